#!/usr/bin/env python3
"""What `queztl doctor` finds wrong on a host is mended by the command that it prints; it waits for no VMM (silence.py). KTAP.
Needs root, queztl.ko loaded, and its file in QZ_USER_KO. Arguments are parts of names of tests."""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import ktap
import silence
from ktap import Skip, check

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", HERE.parents[1] / "build"))
QUEZTL = os.environ.get("QZ_USER_QUEZTL", str(BUILD / "userspace/queztl"))
RELEASE = platform.release()
MODULE = os.environ.get("QZ_USER_KO", str(BUILD / "kmod" / RELEASE / "queztl.ko"))
SICK = str(pathlib.Path(os.environ.get("QZ_USER_BUILD", BUILD / "selftests"), "sick"))
ENTRIES = "max_iotlb_entries=65536"
KVM = "kvm_amd"


class Place:
    """A sudo that this host need not have, and queztl.ko where modprobe looks for it."""

    def __init__(self):
        self.programs = tempfile.TemporaryDirectory()
        sudo = pathlib.Path(self.programs.name, "sudo")
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)
        pathlib.Path(self.programs.name, "queztl").symlink_to(QUEZTL)
        self.path = f"{self.programs.name}:{os.environ['PATH']}:/usr/sbin:/sbin"
        self.installed = pathlib.Path("/lib/modules", RELEASE, "updates/queztl.ko")

    def install(self):
        """Once: depmod takes its time in an emulated host."""
        if self.installed.exists():
            return
        try:
            for index in self.installed.parents[1].glob("modules.*"):
                shutil.copy(index, self.programs.name)
            self.installed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(MODULE, self.installed)
            subprocess.run(["depmod", RELEASE], check=True)
        except OSError as error:
            raise Skip(f"nothing can be installed here: {error}") from None

    def uninstall(self):
        if self.installed.exists():
            self.installed.unlink()
            for index in pathlib.Path(self.programs.name).glob("modules.*"):
                shutil.copy(index, self.installed.parents[1])


PLACE = Place()


def shell(command, before=""):
    """As an administrator types it; before: in the same shell."""
    return subprocess.run(["bash", "-c", f"{before}\n{command}"], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PATH": PLACE.path}, check=False)


def verdicts(before=""):
    done = shell("queztl doctor --json", before)
    check(done.returncode in (0, 1) and not done.stderr, f"doctor: exit {done.returncode}: {done.stderr}")
    return {found["name"]: found for found in json.loads(done.stdout)["checks"]}


def expect_remedy_helps(name, status, what, before="", of=None):
    """The remedy is run as it is printed, in a shell that is as wrong as before. of: a VM, which is asked about."""
    judge = of.verdicts if of else lambda: verdicts(before)
    found = judge()[name]
    check(found["status"] == status and what in found["what"], f"{name}: {found}")
    command = found["remedy"].split(" (")[0].removesuffix(" as root").removeprefix("load queztl.ko: ")
    ktap.say(f"{found['what']}: {command}")
    if before:
        after = verdicts(f"{before}\n{command}")[name]
    else:
        done = shell(command)
        check(done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr}")
        after = judge()[name]
    check(after["status"] == "ok", f"after {command}: {after}")


def is_loaded(module):
    return pathlib.Path("/sys/module", module).exists()


def wait_until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        check(time.monotonic() < deadline, what)
        time.sleep(0.1)


def remove(*modules):
    for module in modules:
        if is_loaded(module):
            done = shell(f"rmmod {module}")
            check(done.returncode == 0, f"rmmod {module}: {done.stderr}")


def load():
    """As all.sh does."""
    for words in (f"vhost_vdpa {ENTRIES}", "vdpa", KVM, "virtio_vdpa"):
        shell(f"modprobe {words}")
    if not is_loaded("queztl"):
        shell(f"insmod {MODULE}")
    wait_until(lambda: pathlib.Path("/dev/queztl").exists(), "no /dev/queztl")


# -- tests ------------------------------------------------------------------------------------------------------------
def debugfs_is_mounted():
    done = shell("umount /sys/kernel/debug")
    if done.returncode:
        raise Skip(f"debugfs is in use: {done.stderr}")
    expect_remedy_helps("debugfs", "warn", "debugfs is not mounted")


def the_driver_of_ports_for_vms_is_loaded():
    remove("vhost_vdpa")
    expect_remedy_helps("vhost_vdpa", "warn", "not loaded")


def expect_line_helps(judge, status, what):
    """The line goes into a file, and the module is loaded again."""
    found = judge()["map entries"]
    check(found["status"] == status and what in found["what"], f"{found}")
    where, line = found["remedy"].removeprefix("in ").split(": ")
    pathlib.Path(where).mkdir(exist_ok=True)
    conf = pathlib.Path(where, "queztl-test.conf")
    conf.write_text(f"{line}\n")
    try:
        remove("vhost_vdpa")
        shell("modprobe vhost_vdpa")
        check(judge()["map entries"]["status"] == "ok", f"{judge()['map entries']}")
    finally:
        conf.unlink()


def a_kernel_without_drivers_is_left():
    """A kernel whose list of modules lacks one stands for one that has it not; then the list is whole again."""
    index = pathlib.Path("/lib/modules", RELEASE, "modules.dep")
    whole = index.read_text()
    remove("queztl", "vhost_vdpa")
    try:
        index.write_text("".join(line for line in whole.splitlines(True) if "/vhost_vdpa.ko" not in line.split(":")[0]))
    except OSError as error:
        raise Skip(f"nothing can be changed here: {error}") from None
    try:
        found = verdicts()["vhost_vdpa"]
        check(found["status"] in ("warn", "fail") and "CONFIG_VDPA" in found["remedy"], f"{found}")
    finally:
        index.write_text(whole)
    load()
    check(verdicts()["vhost_vdpa"]["status"] == "ok", f"{verdicts()['vhost_vdpa']}")


def the_limit_of_map_entries_is_raised():
    remove("vhost_vdpa")
    shell("modprobe vhost_vdpa max_iotlb_entries=16")
    expect_line_helps(verdicts, "warn", "too few")


def locked_memory_is_unlimited():
    expect_remedy_helps("memlock", "warn", "64 MiB, but a VM with a port pins", f"ulimit -S -l {64 << 10}")


def the_module_is_loaded():
    PLACE.install()
    remove("queztl")
    expect_remedy_helps("queztl.ko", "fail", "installed but not loaded")
    remove("queztl")
    expect_remedy_helps("device", "fail", "no /dev/queztl")
    check("ABI" in shell("dmesg | grep queztl").stdout, "its log is empty")


def kvm_is_loaded():
    if not is_loaded(KVM):
        raise Skip(f"this host has not {KVM}")
    PLACE.install()
    remove("queztl", KVM)
    expect_remedy_helps("kvm", "fail", "cannot open /dev/kvm")


class Vmm:
    """A process with a VM, and with what else its program does: each line that it is given is answered by one."""

    # Opens each device that it is told; -m is what the tool takes for the memory of the VM.
    PROGRAM = """if True:
        import fcntl, sys
        kvm = open("/dev/kvm", "r+b", buffering=0)
        vm = fcntl.ioctl(kvm, 0xae01, 0)
        cpu = fcntl.ioctl(vm, 0xae41, 0)
        print("started", flush=True)
        held = []
        for line in sys.stdin:
            held.append(open(line.strip(), "r+b", buffering=0))
            print("opened", flush=True)
    """

    def __init__(self, *argv, mib=4):
        argv = argv or (sys.executable, "-c", self.PROGRAM)
        self.process = subprocess.Popen([*argv, "-m", str(mib)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        self.expect("started")
        return self

    def expect(self, answer):
        said = self.process.stdout.readline().strip()
        check(said == answer, f"it says '{said}'")

    def tell(self, line, answer):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        self.expect(answer)

    def verdicts(self):
        done = shell(f"queztl doctor --vm {self.process.pid} --json")
        check(done.returncode in (0, 1) and not done.stderr, f"doctor --vm: exit {done.returncode}: {done.stderr}")
        return {found["name"]: found for found in json.loads(done.stdout)["checks"]}

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def make_port():
    shell("queztl fabric add qtdoc")
    done = shell("queztl port add qtdoc0 qtdoc for vm")
    check(done.returncode == 0, done.stderr)
    return "/dev/" + next(pathlib.Path("/sys/bus/vdpa/devices/qtdoc0").glob("vhost-vdpa-*")).name


def delete_port():
    shell("queztl port del qtdoc0")
    wait_until(lambda: not pathlib.Path("/sys/bus/vdpa/devices/qtdoc0").exists(), "the port stays")
    shell("queztl fabric del qtdoc")


def verdict_of_ports(words, remedy):
    found = verdicts()["ports"]
    check(found["status"] == "warn" and words in found["what"] and remedy in found["remedy"], f"{found}")


def needs_kvm():
    if not os.path.exists("/dev/kvm"):
        raise Skip("no /dev/kvm")


def proc_is_mounted():
    """In a mount namespace, where nobody else misses it."""
    before = "[ -n \"$inside\" ] || exec env inside=1 unshare -m bash -c \"$BASH_EXECUTION_STRING\"\nmount -t tmpfs tmpfs /proc"
    expect_remedy_helps("taint", "warn", "cannot read /proc/sys/kernel/tainted", before)


def a_broken_port_works_after_a_reset():
    make_port()
    with Vmm(SICK, "qtdoc0", "nonsense") as vmm:
        wait_until(lambda: verdicts()["ports"]["status"] != "ok", "it is not broken")
        verdict_of_ports("qtdoc0 of ", "reset or restart the VM")
        vmm.tell("reset", "started")
        check(verdicts()["ports"]["status"] == "ok", f"{verdicts()['ports']}")
    delete_port()


def a_port_without_a_worker_gets_one():
    """The limit of the VMM's user is raised, and the VM is started anew."""
    make_port()
    with Vmm("prlimit", "--nproc=0:", SICK, "qtdoc0"):
        verdict_of_ports("qtdoc0 of ", "LimitNPROC")
    with Vmm(SICK, "qtdoc0"):
        check(verdicts()["ports"]["status"] == "ok", f"{verdicts()['ports']}")
    delete_port()


def a_vm_that_was_detached_is_attached():
    needs_kvm()
    with Vmm() as vmm:
        wait_until(lambda: vmm.verdicts()["vm"]["status"] == "ok", "the VM is not found")
        number = re.search(r"has VM (\d+)", vmm.verdicts()["vm"]["what"])[1]
        done = shell(f"queztl detach {number}")
        check(done.returncode == 0, done.stderr)
        expect_remedy_helps("vm", "warn", "no VM of process", of=vmm)


def a_port_gets_its_driver_and_a_vm_its_port():
    needs_kvm()
    device = make_port()
    shell("echo qtdoc0 >/sys/bus/vdpa/drivers/vhost_vdpa/unbind")
    with Vmm() as vmm:
        found = vmm.verdicts()["port"]
        check("qtdoc0 has no driver" in found["what"], f"{found}")
        done = shell(found["remedy"])
        check(done.returncode == 0, f"{found['remedy']}: {done.stderr}")
        wait_until(lambda: os.path.exists(device), "no device")
        found = vmm.verdicts()["port"]
        check(found["what"] == "it has none open" and "vhostdev=DEVICE" in found["remedy"], f"{found}")
        vmm.tell(device, "opened")
        check("the driver in the guest is not ready" in vmm.verdicts()["port"]["what"], f"{vmm.verdicts()['port']}")
    delete_port()


def map_entries_of_a_vm_are_raised():
    """For a VM that is larger than what the entries are enough for, even in huge pages."""
    needs_kvm()
    remove("vhost_vdpa")
    shell("modprobe vhost_vdpa max_iotlb_entries=16")
    with Vmm(mib=64) as vmm:
        expect_line_helps(vmm.verdicts, "fail", "too few for its 64 MiB even in huge pages")


def memory_that_is_not_pinned_is_found():
    """QEMU goes on when it cannot map the memory of the guest. A VM that has mapped all of it is well."""
    needs_kvm()
    make_port()
    with Vmm(SICK, "qtdoc0", mib=1024) as vmm:
        found = vmm.verdicts()["pinned"]
        check(found["status"] == "fail" and "restart the VM" in found["remedy"], f"{found}")
    with Vmm(SICK, "qtdoc0", mib=6) as vmm:
        check(vmm.verdicts()["pinned"]["status"] == "ok", f"{vmm.verdicts()['pinned']}")
    delete_port()


def a_port_that_was_deleted_and_is_open_is_closed():
    """By whoever has it open: the process is killed."""
    device = make_port()
    with subprocess.Popen(["bash", "-c", f"exec 3<>{device} && echo opened && exec sleep 1000"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        shell("queztl port del qtdoc0")
        said = [found for found in verdicts().values() if "qtdoc0" in found["what"]]
        if len(said) != 1 or said[0]["remedy"] != f"stop that process: kill {process.pid}":
            process.kill()
            check(False, f"{said}")
        shell(said[0]["remedy"].removeprefix("stop that process: "))
    wait_until(lambda: not any("qtdoc0" in found["what"] for found in verdicts().values()), "it is still open")
    shell("queztl fabric del qtdoc")


TESTS = [*silence.TESTS, debugfs_is_mounted, proc_is_mounted, the_driver_of_ports_for_vms_is_loaded,
         the_limit_of_map_entries_is_raised, locked_memory_is_unlimited, a_broken_port_works_after_a_reset,
         a_port_without_a_worker_gets_one, a_vm_that_was_detached_is_attached, a_port_gets_its_driver_and_a_vm_its_port, map_entries_of_a_vm_are_raised,
         memory_that_is_not_pinned_is_found, a_kernel_without_drivers_is_left,
         a_port_that_was_deleted_and_is_open_is_closed, the_module_is_loaded, kvm_is_loaded]


def after(_result):
    """Also the order of the drivers: a new port gets the first one, and the programs behind this one count on it."""
    if pathlib.Path("/sys/bus/vdpa/devices/qtdoc0").exists():
        delete_port()
    shell("mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug")
    remove("queztl", "vhost_vdpa", "virtio_vdpa")
    load()


try:
    failed = ktap.run([test for test in TESTS if len(sys.argv) < 2 or any(word in test.__name__ for word in sys.argv[1:])],
                      after)
finally:
    PLACE.uninstall()
sys.exit(1 if failed else 0)
