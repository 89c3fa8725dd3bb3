#!/usr/bin/env python3
"""What `queztl doctor` says of a host with a kernel that is too old and a CPU without virtualization, and that it goes on
nevertheless. Other hosts of the lab are what it advises. KTAP.
Needs Linux before 6.12, and svm and vmx hidden on the command line (clearcpuid=)."""
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import ktap
from ktap import check

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", HERE.parents[1] / "build"))


def verdicts():
    done = subprocess.run([BUILD / "userspace/queztl", "doctor", "--json"], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 1 and not done.stderr, f"doctor: exit {done.returncode}: {done.stderr}")
    return {found["name"]: found for found in json.loads(done.stdout)["checks"]}


def expect(name, what, remedy):
    found = verdicts()[name]
    check(found["status"] == "fail" and what in found["what"] and found["remedy"] == remedy, f"{found}")


def a_kernel_that_is_too_old_is_named():
    expect("kernel", f"Linux {os.uname().release} is older than 6.12", "boot Linux 6.12 to 7.3 (Debian 12: bookworm-backports)")


def a_cpu_without_virtualization_is_named():
    expect("kvm", "this CPU has no virtualization extension (vmx or svm)",
           "enable it in the firmware; in a VM, enable nested virtualization")


def the_module_is_missing_and_so_is_its_device():
    found = verdicts()
    check(found["queztl.ko"]["status"] == "fail" and "not installed" in found["queztl.ko"]["what"], f"{found['queztl.ko']}")
    check(found["device"]["status"] == "fail", f"{found['device']}")


sys.exit(1 if ktap.run([a_kernel_that_is_too_old_is_named, a_cpu_without_virtualization_is_named,
                        the_module_is_missing_and_so_is_its_device],
                       lambda _result: None) else 0)
