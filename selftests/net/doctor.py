#!/usr/bin/env python3
"""What `queztl doctor` finds wrong on a host is mended by the command that it prints; it waits for no VMM (silence.py). KTAP.
Needs root, queztl.ko loaded, and its file in QZ_USER_KO."""
import json
import os
import pathlib
import platform
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


def expect_remedy_helps(name, status, what, before=""):
    """The remedy is run as it is printed, in a shell that is as wrong as before."""
    found = verdicts(before)[name]
    check(found["status"] == status and what in found["what"], f"{name}: {found}")
    command = found["remedy"].split(" (")[0].removesuffix(" as root").removeprefix("load queztl.ko: ")
    ktap.say(f"{found['what']}: {command}")
    if before:
        after = verdicts(f"{before}\n{command}")[name]
    else:
        done = shell(command)
        check(done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr}")
        after = verdicts()[name]
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


def the_limit_of_map_entries_is_raised():
    """The line goes into a file, and the module is loaded again."""
    remove("vhost_vdpa")
    shell("modprobe vhost_vdpa max_iotlb_entries=16")
    found = verdicts()["map entries"]
    check(found["status"] == "warn" and "too few" in found["what"], f"{found}")
    where, line = found["remedy"].removeprefix("in ").split(": ")
    pathlib.Path(where).mkdir(exist_ok=True)
    conf = pathlib.Path(where, "queztl-test.conf")
    conf.write_text(f"{line}\n")
    try:
        remove("vhost_vdpa")
        shell("modprobe vhost_vdpa")
        check(verdicts()["map entries"]["status"] == "ok", f"{verdicts()['map entries']}")
    finally:
        conf.unlink()


def locked_memory_is_unlimited():
    expect_remedy_helps("memlock", "warn", "64 MiB, but a VM with a port pins", f"ulimit -S -l {64 << 10}")


def the_module_is_loaded():
    PLACE.install()
    remove("queztl")
    expect_remedy_helps("queztl.ko", "fail", "installed but not loaded")
    remove("queztl")
    expect_remedy_helps("device", "fail", "no /dev/queztl")


def kvm_is_loaded():
    if not is_loaded(KVM):
        raise Skip(f"this host has not {KVM}")
    PLACE.install()
    remove("queztl", KVM)
    expect_remedy_helps("kvm", "fail", "cannot open /dev/kvm")


def a_port_that_was_deleted_and_is_open_is_closed():
    """The remedy is in words: to stop the process."""
    shell("queztl fabric add qtdoc")
    shell("queztl port add qtdoc0 qtdoc for vm")
    device = next(pathlib.Path("/sys/bus/vdpa/devices/qtdoc0").glob("vhost-vdpa-*")).name
    with open(f"/dev/{device}", "r+b", buffering=0):
        shell("queztl port del qtdoc0")
        said = [found for found in verdicts().values() if "qtdoc0" in found["what"]]
        check(len(said) == 1 and "stop" in said[0]["remedy"], f"{said}")
    wait_until(lambda: not any("qtdoc0" in found["what"] for found in verdicts().values()), "it is still open")
    shell("queztl fabric del qtdoc")


TESTS = [*silence.TESTS, debugfs_is_mounted, the_driver_of_ports_for_vms_is_loaded, the_limit_of_map_entries_is_raised,
         locked_memory_is_unlimited, a_port_that_was_deleted_and_is_open_is_closed, the_module_is_loaded, kvm_is_loaded]


def after(_result):
    """Also the order of the drivers: a new port gets the first one, and the programs behind this one count on it."""
    shell("mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug")
    remove("queztl", "vhost_vdpa", "virtio_vdpa")
    load()


try:
    failed = ktap.run(TESTS, after)
finally:
    PLACE.uninstall()
sys.exit(1 if failed else 0)
