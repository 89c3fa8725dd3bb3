"""Nested guests (L2) for scripts that run inside L1: start, command, count, stop.

    with vm.Guest("a", [vm.vdpa("52:54:00:00:00:01", "10.0.0.1/24", "/dev/vhost-vdpa-0")]) as guest:
        code, text = guest.run("ping -c1 10.0.0.2")
"""
import ctypes
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import qmp

CACHE = pathlib.Path(os.environ["QZ_CACHE"])
KVM_STATS = pathlib.Path("/sys/kernel/debug/kvm")
ARM64 = os.uname().machine == "aarch64"
QEMU = {"7": "/usr/bin/qemu-system-x86_64", "10": CACHE / "qemu/10/qemu-system-x86_64"}
if ARM64:
    QEMU = dict.fromkeys(QEMU, "/usr/bin/qemu-system-aarch64")      # of L1's root
VMM = os.environ.get("QZ_USER_VMM", "7")       # runs the guests of tests that do not specify one
GUEST = os.environ.get("QZ_USER_GUEST", "tiny")
PR_SET_PDEATHSIG = 1

# microvm without ISA timers and interrupt controller: q35 guests occasionally hang calibrating them under emulation.
MACHINES = {"microvm": "microvm,pcie=on,pit=off,pic=off,rtc=off,isa-serial=off",
            "microvm-mmio": "microvm,pit=off,pic=off,rtc=off,isa-serial=off", "q35": "q35"}
if ARM64:                                       # has one machine for all: without firmware, with PCIe and virtio-mmio
    MACHINES = dict.fromkeys(MACHINES, "virt,gic-version=3")
# Factor by which L1's kernel is slower, as in ktap.h for C programs.
SLOW = int(os.environ.get("QZ_USER_TIME_FACTOR", 6 if "debug" in os.uname().release else 1))
READY_SECONDS = 120 * SLOW
# What QEMU says when the emulator, not KVM, has gone wrong (Documentation/testing.rst), and the exit code by which a
# script asks the lab for another boot.
EMULATOR_FAULT, LAB_FAULT = "KVM internal error. Suberror: 3", 101


class Nic:
    """One virtio-net device: its QEMU netdev (without the id), its MAC, and the address for the guest's init."""

    def __init__(self, netdev, mac, address, device=""):
        self.netdev, self.mac, self.address, self.device = netdev, mac, address, device


def vdpa(mac, address, path, device=""):
    """A NIC on a vDPA port; path is its /dev/vhost-vdpa-N."""
    return Nic(f"vhost-vdpa,vhostdev={path}", mac, address, device)


def tap(mac, address, name, vhost=True, device=""):
    """A NIC on an existing tap device, with vhost-net."""
    return Nic(f"tap,ifname={name},script=no,downscript=no,vhost={'on' if vhost else 'off'}", mac, address, device)


def sh(*argv, **more):
    return subprocess.run([str(word) for word in argv], check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def make_bridge(name):
    """A bridge with the usual tuning: no spanning tree, no forward delay, no multicast snooping."""
    sh("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
    sh("ip", "link", "set", name, "up")
    return name


def make_tap(name, bridge):
    sh("ip", "tuntap", "add", name, "mode", "tap", "vnet_hdr")
    sh("ip", "link", "set", name, "master", bridge, "up")
    return name


def make_cgroup(name):
    """A cgroup with its own share of the CPU, as libvirt creates for each VM."""
    top = pathlib.Path("/sys/fs/cgroup")
    (top / "cgroup.subtree_control").write_text("+cpu")
    (top / name).mkdir(exist_ok=True)
    return top / name


class Guest:
    tokens = itertools.count(1)

    def __init__(self, name, nics=(), machine="microvm", emulator=VMM, kernel=GUEST, mem="256M", cpus=1, cpu="host",
                 append="", extra=(), may_reboot=False, tools=False, cgroup=None):
        self.name, self.nics, self.machine, self.kernel = name, list(nics), machine, kernel
        self.program, self.mem, self.cpus, self.cpu = QEMU[emulator], mem, cpus, cpu
        self.append, self.extra, self.may_reboot, self.cgroup = append, list(extra), may_reboot, cgroup
        self.initrd = "initrd-tools" if tools else "initrd"
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix=f"guest-{name}-", dir="/run"))
        self.buffer = b""
        self.port = self.process = None

    def device(self, kind, properties):
        """A virtio device on the machine's bus."""
        if self.machine == "microvm-mmio":
            return ["-device", f"virtio-{kind}-device{properties}"]
        return ["-device", f"virtio-{kind}-pci{properties}" + (",romfile=" if kind == "net" else "")]

    def cmdline(self):
        """The kernel command line of the guest."""
        net = ",".join(f"{nic.mac}={nic.address}" for nic in self.nics)
        return f"console=hvc0 quiet panic=-1 no_timer_check mitigations=off qz.net={net} {self.append}"

    def argv(self):
        image = CACHE / "guests" / (self.kernel + ("-arm64" if ARM64 else ""))
        argv = [self.program, "-name", self.name, "-nodefaults", "-no-user-config", "-display", "none",
                "-M", MACHINES[self.machine], "-accel", "kvm", "-cpu", self.cpu, "-smp", self.cpus,
                "-m", self.mem, *([] if self.may_reboot else ["-no-reboot"]), *self.device("serial", ""),
                "-chardev", f"file,id=console,path={self.tmp}/console", "-device", "virtconsole,chardev=console",
                "-chardev", f"socket,id=command,path={self.tmp}/command,server=on,wait=off",
                "-qmp", f"unix:{self.tmp}/monitor,server=on,wait=off",
                "-device", "virtserialport,chardev=command,name=queztl.command",
                "-kernel", image / "kernel", "-initrd", image / self.initrd,
                "-append", self.cmdline()]
        argv += self.extra
        for index, nic in enumerate(self.nics):
            argv += ["-netdev", f"{nic.netdev},id=net{index}",
                     *self.device("net", f",netdev=net{index},mac={nic.mac}{nic.device}")]
        if self.machine == "microvm-mmio":
            argv += ["-global", "virtio-mmio.force-legacy=false"]
        return [str(word) for word in argv]

    # -- life -------------------------------------------------------------------------------------------------------
    def start(self):
        """Start QEMU. wait_ready() waits for the guest, so that several can boot at the same time."""
        with open(self.tmp / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.before_exec)
        return self

    def before_exec(self):
        """Runs in the process of the VMM."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.cgroup:
            (self.cgroup / "cgroup.procs").write_text("0")

    def wait_ready(self, seconds=READY_SECONDS):
        deadline = time.monotonic() + seconds
        while self.port is None:
            self.check(deadline)
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(f"{self.tmp}/command")
                self.port = port
            except OSError:
                time.sleep(0.05)
        while not (line := self.read_line(deadline)).startswith("ready"):
            pass
        self.boot_seconds = float(line.split()[1])
        return self

    def move(self, target, seconds=60):
        """Migrate into a VMM that was started with "-incoming defer"; returns what the VMM says of it."""
        here, there, uri = self.monitor(), target.monitor(), f"unix:{target.tmp}/migration"
        there.ask("migrate-incoming", uri=uri)
        here.ask("migrate", uri=uri)
        deadline = time.monotonic() + seconds * SLOW
        while (found := here.ask("query-migrate"))["status"] not in ("completed", "failed", "cancelled"):
            self.check(deadline)
            target.check(deadline)
            time.sleep(0.05)
        if found["status"] != "completed":
            raise RuntimeError(f"guest {self.name}: migration {found['status']}: {found.get('error-desc')}")
        target.connect()
        return found

    def connect(self):
        """To a guest that has arrived, and so never says that it is ready."""
        self.port = socket.socket(socket.AF_UNIX)
        self.port.connect(f"{self.tmp}/command")
        return self

    def reboot(self, seconds=READY_SECONDS):
        """Restart the guest inside the same QEMU, without notifying its drivers (needs may_reboot)."""
        self.post("reboot -f")
        return self.wait_ready(seconds)

    def kill(self):
        """End QEMU like a crash."""
        self.process.kill()
        self.process.wait()
        self.stop()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.port:
            self.port.close()
            self.port = None

    def __enter__(self):
        return self.start().wait_ready()

    def __exit__(self, *_):
        self.stop()

    def monitor(self):
        """A QMP connection to the VMM; one at a time."""
        return qmp.Monitor(self.tmp / "monitor", 30 * SLOW)

    # -- commands ---------------------------------------------------------------------------------------------------
    def end_if_emulator_failed(self):
        log = self.tmp / "qemu.log"             # libvirt's guests have none here
        if os.environ.get("QZ_LAB_ACCEL") != "tcg" or not log.exists():
            return
        if EMULATOR_FAULT not in log.read_text(errors="replace"):
            return
        print(f"# guest {self.name}: {EMULATOR_FAULT}", flush=True)
        raise SystemExit(LAB_FAULT)

    def check(self, deadline):
        self.end_if_emulator_failed()
        if self.process.poll() is not None:
            raise RuntimeError(f"guest {self.name}: QEMU ended with code {self.process.returncode}: {self.said()}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"guest {self.name} did not answer in time: {self.said()}")

    def said(self):
        """The start and the end of what QEMU and the guest said."""
        texts = [(self.tmp / name).read_text(errors="replace") for name in ("qemu.log", "console")
                 if (self.tmp / name).exists()]
        return "".join(text[:-800][:200] + text[-800:] for text in texts)

    def read_line(self, deadline):
        while b"\n" not in self.buffer:
            self.check(deadline)
            self.port.settimeout(0.5)
            try:
                data = self.port.recv(65536)
                if not data:
                    self.process.wait(5)
                self.buffer += data
            except TimeoutError:
                pass
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def post(self, command):
        """Send a command. finish() waits for it, so that several guests can work at the same time."""
        token = f"token-{next(self.tokens)}"
        self.port.sendall(f"{token} {command}\n".encode())
        return token

    def finish(self, token, seconds=60):
        deadline, lines = time.monotonic() + seconds * SLOW, []
        while not (line := self.read_line(deadline)).startswith(token + " "):
            lines.append(line)
        return int(line.split()[1]), "\n".join(lines)

    def run(self, command, seconds=60):
        """(exit code, output) of a shell command in the guest."""
        return self.finish(self.post(command), seconds)

    def expect(self, command, seconds=60):
        """Run a command that must succeed, and return its output."""
        code, text = self.run(command, seconds)
        if code:
            raise RuntimeError(f"guest {self.name}: {command}: exit {code}: {text}")
        return text

    # -- counters ---------------------------------------------------------------------------------------------------
    def stats(self):
        """KVM's counters of this VM and its vCPUs, summed."""
        total = {}
        for directory in KVM_STATS.glob(f"{self.process.pid}-*"):
            for path in [*directory.glob("*"), *directory.glob("vcpu*/*")]:
                if path.is_file():
                    try:
                        total[path.name] = total.get(path.name, 0) + int(path.read_text())
                    except (OSError, ValueError):
                        pass
        return total


def difference(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}


def start_all(guests):
    """Boot several guests at the same time."""
    for guest in guests:
        guest.start()
    for guest in guests:
        guest.wait_ready()
    return guests
