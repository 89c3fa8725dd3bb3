"""Debian 13 with systemd, its own kernel and our packages, in an emulated machine with a disk."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "lab/l1"), str(HERE.parent / "e2e")]

from host import accel, apt, cache, clean, emulator, kernel, more, verdict
from host.arch import X86

os.environ["QZ_CACHE"] = str(cache.root())

import ktap
import vm
from ktap import check, say

PACKAGES = TOP / "build/deb"
DEBIAN = "trixie"
SECONDS = 400                               # of a boot; the machine may be busy


def build_packages():
    subprocess.run([TOP / "scripts/deb", "-o", PACKAGES], check=True, stdin=subprocess.DEVNULL)


def own_kernel(root):
    """The older one of those that the root has headers of."""
    return min(path.name for path in (root / "usr/lib/modules").iterdir())


class Host(vm.Guest):
    """A machine with a disk; its kernel needs no initramfs for that one."""

    def __init__(self, name, packages=(), guest=None):
        """`name` is that of the directory for the disk and the logs; `packages` are Debian's, and installed, too."""
        root, started = clean.find(DEBIAN), time.monotonic()
        self.release = own_kernel(root)
        self.tree = kernel.fetch_tree(apt.Archive(DEBIAN), self.release)
        self.out = TOP / "build/selftests" / name
        self.disk = self.out / "disk"
        self.out.mkdir(parents=True, exist_ok=True)
        extra = [more.find(DEBIAN, root, packages)] if packages else []
        with open(self.out / "image.log", "wb") as log:
            done = subprocess.run([HERE / "image", *self.image_options(), root, self.tree, self.release, PACKAGES,
                                   self.disk, *extra, *([guest] if guest else [])],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise RuntimeError("no disk: " + (self.out / "image.log").read_text(errors="replace")[-2000:])
        say(f"the disk was made in {time.monotonic() - started:.0f} s")
        super().__init__("host", machine="q35", mem="2G", may_reboot=True)
        self.program, self.accel = emulator.find("10"), accel.find(kernel.stock("cloud").image)

    def image_options(self):
        return []

    def cmdline(self):
        return ("root=/dev/nvme0n1 rw init=/lib/systemd/systemd systemd.show_status=0 console=ttyS0 loglevel=5 "
                f"panic=-1 oops=panic mitigations=off net.ifnames=0 random.trust_cpu=on {X86.cmdline}")

    def boot_argv(self):
        """What is started, and where its console goes."""
        return ["-M", "q35", "-kernel", self.tree / "boot" / f"vmlinuz-{self.release}", "-append", self.cmdline(),
                "-serial", f"file:{self.tmp}/console"]

    def argv(self):
        cpu = "host" if self.accel == "kvm" else X86.cpus["10"]
        argv = [self.program, "-name", self.name, "-nodefaults", "-no-user-config", "-display", "none",
                "-accel", self.accel, "-cpu", cpu, "-smp", "1", "-m", self.mem,
                "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=command,path={self.tmp}/command,server=on,wait=off",
                "-device", "virtserialport,chardev=command,name=queztl.command",
                "-qmp", f"unix:{self.tmp}/monitor,server=on,wait=off",
                # What is written to it ends with the test.
                "-drive", f"file={self.disk},if=none,id=disk,format=raw,cache=unsafe",
                "-device", "nvme,drive=disk,serial=1", *self.boot_argv()]
        return [str(word) for word in argv]

    def wait_booted(self):
        """Until systemd has started all that it starts; returns how that went."""
        self.wait_ready(SECONDS)
        deadline = time.monotonic() + SECONDS
        while (state := self.run("systemctl is-system-running")[1].strip()) in ("initializing", "starting"):
            self.check(deadline)
            time.sleep(0.5)
        return state

    def restart(self):
        """By systemd. The disk and the process stay."""
        before = self.boot_id()
        self.post("systemctl reboot")
        state = self.wait_booted()
        check(self.boot_id() != before, "it is the same boot")
        return state

    def boot_id(self):
        return self.expect("cat /proc/sys/kernel/random/boot_id").strip()

    def property(self, unit, name):
        return self.expect(f"systemctl show -P {name} {unit}").strip()

    def save_logs(self):
        for name, command in (("dmesg", "dmesg"), ("journal", "journalctl -b --no-pager -o short-monotonic")):
            try:
                (self.out / name).write_text(self.run(command)[1])
            except (OSError, RuntimeError, TimeoutError):
                break
        for name in ("console", "qemu.log"):
            if (self.tmp / name).exists():
                shutil.copy(self.tmp / name, self.out / name)

    def end(self):
        """Only logs stay."""
        if self.process:
            self.save_logs()
        self.stop()
        shutil.rmtree(self.tmp)
        self.disk.unlink()


def check_boot(host, state):
    failed = host.run("systemctl --failed --no-legend --plain")[1]
    check(state == "running", f"the system is {state}: {failed}")
    log = host.expect("journalctl -b --no-pager -o cat _PID=1")
    check("ordering cycle" not in log, "".join(re.findall(r".*ordering cycle.*", log)))


def check_log(host):
    """What every test must leave behind: no warning of the kernel."""
    found = verdict.splats(host.run("dmesg")[1])
    check(not found, "kernel log: " + "\n".join(found[0] if found else []))


def run(host, tests):
    """Returns the exit code. Whatever ends the script, only logs stay."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return 1 if ktap.run(tests, lambda _result: check_log(host)) else 0
    finally:
        host.end()
