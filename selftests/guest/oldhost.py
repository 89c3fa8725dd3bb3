#!/usr/bin/env python3
"""What `queztl doctor` says of a host with Debian 12's own kernel, which is too old, and a CPU without virtualization. Other
hosts of the tests are what it advises. Runs on this machine, in an emulated guest; prints KTAP."""
import json
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "lab/l1"), str(HERE.parent / "e2e")]

from host import cache, emulator

os.environ["QZ_CACHE"] = str(cache.root())

import image
import ktap
import vm
from ktap import check

QUEZTL = TOP / "build/userspace/queztl"


class Host(vm.Guest):
    """Without KVM, and with nothing that KVM needs."""

    def __init__(self):
        self.image = image.build("old")
        super().__init__("oldhost", machine="q35", cpu="max,-svm,-vmx", kernel=str(self.image))
        self.program = emulator.find("10")
        self.initrd = image.make_initrd_with(self.image / "initrd", QUEZTL, self.tmp)

    def argv(self):
        argv = super().argv()
        argv[argv.index("kvm")] = "tcg"
        return argv

    def verdicts(self):
        code, said = self.run(f"{QUEZTL} doctor --json")
        check(code == 1, f"doctor: exit {code}: {said}")
        return {found["name"]: found for found in json.loads(said)["checks"]}


HOST = None


def expect(name, what, remedy):
    found = HOST.verdicts()[name]
    check(found["status"] == "fail" and what in found["what"] and found["remedy"] == remedy, f"{found}")


def a_kernel_that_is_too_old_is_named():
    release = HOST.expect("uname -r").strip()
    expect("kernel", f"Linux {release} is older than 6.12", "boot Linux 6.12 to 7.3 (Debian 12: bookworm-backports)")


def a_cpu_without_virtualization_is_named():
    expect("kvm", "this CPU has no virtualization extension (vmx or svm)",
           "enable it in the firmware; in a VM, enable nested virtualization")


def the_module_is_missing_and_so_is_its_device():
    found = HOST.verdicts()
    check("not installed for this kernel" in found["queztl.ko"]["what"], f"{found['queztl.ko']}")
    check(found["device"]["status"] == "fail", f"{found['device']}")


def main():
    global HOST
    HOST = Host()
    try:
        HOST.start().wait_ready(4 * vm.READY_SECONDS)           # the machine may be busy
        return 1 if ktap.run([a_kernel_that_is_too_old_is_named, a_cpu_without_virtualization_is_named,
                              the_module_is_missing_and_so_is_its_device], lambda _result: None) else 0
    finally:
        HOST.stop()
        shutil.rmtree(HOST.tmp)


if __name__ == "__main__":
    sys.exit(main())
