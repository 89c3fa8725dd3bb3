#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What `queztl doctor` tells an administrator to do, and the test that does it; TAP.

A remedy that is not here, or whose test is gone, fails.
"""
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
LITERAL = r'"((?:[^"\\]|\\.)*)"'

DOCTOR, BOOT, DEB, E2E = "selftests/net/doctor.py", "selftests/boot/reboot.py", "selftests/deb/deb.sh", "selftests/e2e/e2e.py"
OLD, BPF = "selftests/guest/oldhost.py", "selftests/sched/bpf.sh"
SECURE = "selftests/boot/secureboot.py"
# As in the source: the file and the name of the test.
TESTS = {
    "boot Linux 6.12 to 7.3 (Debian 12: bookworm-backports)": (OLD, "a_kernel_that_is_too_old_is_named"),
    "enable it in the firmware; in a VM, enable nested virtualization": (OLD, "a_cpu_without_virtualization_is_named"),
    "linux-headers-%s": (DEB, "doctor_says_what_to_install"),
    "iproute2": (DEB, "doctor_says_what_to_install"),
    "sudo apt install queztl-dkms (from source: make && sudo make install)": (DEB, "doctor_says_what_to_install"),
    "if refused: sudo mokutil --import ": (SECURE, "the_key_is_imported_as_doctor_says"),
    ", then reboot": (SECURE, "the_key_is_enrolled_at_the_console"),
    "sudo apt install openssl && sudo dpkg-reconfigure queztl-dkms": (SECURE, "dkms_signs_its_module_as_doctor_says"),
    "sign queztl.ko with a key enrolled by mokutil: Documentation/install.rst":
        (SECURE, "a_module_from_sources_is_signed_as_documented"),
    "sudo modprobe kvm_intel || sudo modprobe kvm_amd": (DOCTOR, "kvm_is_loaded"),
    "sudo usermod -aG kvm $USER, then log in again": (BOOT, "a_user_gets_the_rights_that_doctor_asks_for"),
    "sudo usermod -aG queztl $USER, then log in again": (BOOT, "a_user_gets_the_rights_that_doctor_asks_for"),
    "sudo groupadd -rf queztl; sudo chgrp queztl ":
        (BOOT, "a_user_gets_the_rights_that_doctor_asks_for"),
    "sudo modprobe queztl": (DOCTOR, "the_module_is_loaded"),
    "load queztl.ko: sudo modprobe queztl": (DOCTOR, "the_module_is_loaded"),
    "sudo dmesg | grep queztl": (DOCTOR, "the_module_is_loaded"),
    "boot a kernel with CONFIG_VDPA and its drivers, such as Debian's": (DOCTOR, "a_kernel_without_drivers_is_left"),
    "sudo modprobe %s": (DOCTOR, "the_driver_of_ports_for_vms_is_loaded"),
    "in /etc/modprobe.d: options vhost_vdpa max_iotlb_entries=%llu":
        (DOCTOR, "the_limit_of_map_entries_is_raised", "map_entries_of_a_vm_are_raised"),
    "ulimit -l unlimited as root (systemd: LimitMEMLOCK=infinity)": (DOCTOR, "locked_memory_is_unlimited"),
    "stop the process that has it open": (DOCTOR, "a_port_that_was_deleted_and_is_open_is_closed"),
    "stop that process: kill %d": (DOCTOR, "a_port_that_was_deleted_and_is_open_is_closed"),
    "raise its limit (systemd: LimitNPROC=, TasksMax=), restart the VM": (DOCTOR, "a_port_without_a_worker_gets_one"),
    "reset or restart the VM": (DOCTOR, "a_broken_port_works_after_a_reset"),
    "if too few: queztl port set %s flood N": ("selftests/swguest/rates.c", "floods_have_a_rate_of_their_own"),
    "sudo mount -t debugfs debugfs /sys/kernel/debug": (DOCTOR, "debugfs_is_mounted"),
    "sudo mount -t proc proc /proc": (DOCTOR, "proc_is_mounted"),
    "read the output of sudo dmesg": (BOOT, "a_kernel_that_oopsed_is_reported"),
    "read the output of sudo dmesg, then reboot": (BOOT, "a_kernel_that_was_rebooted_is_as_new"),
    "stop it, then sudo queztl sched start": (BPF, "doctor_helps_beside_another_scheduler"),
    "read sudo dmesg, then sudo queztl sched start": (BPF, "leaves_the_host_to_eevdf_when_killed"),
    # Of one VM.
    "sudo kill -KILL %d, and what serves its FUSE files": ("selftests/net/silence.py", "end_as_doctor_says"),
    "sudo queztl attach %d": (DOCTOR, "a_vm_that_was_detached_is_attached"),
    "sudo prlimit --pid %d --memlock=unlimited, then reset the VM": (E2E, "remedies_of_doctor_help_a_vm"),
    "raise what fails above (see QEMU's messages), restart the VM": (DOCTOR, "memory_that_is_not_pinned_is_found"),
    "echo %s | sudo tee /sys/bus/vdpa/drivers/vhost_vdpa/bind": (DOCTOR, "a_port_gets_its_driver_and_a_vm_its_port"),
    "start it with -netdev vhost-vdpa,id=n0,vhostdev=DEVICE": (DOCTOR, "a_port_gets_its_driver_and_a_vm_its_port"),
    "in the guest: modprobe virtio_net, ip link set DEVICE up": ("selftests/e2e/firmware.py", "expect_doctor_mends_the_driver"),
    "queztl port set %s link up": (E2E, "remedies_of_doctor_help_a_vm"),
    "queztl port set %s%s%s": (E2E, "remedies_of_doctor_help_a_vm"),
    "see queztl port show %s": (E2E, "remedies_of_doctor_help_a_vm"),
}
# What no test can do. The verdicts are those of doctor_test.c.
UNTRIED = {
    "boot Linux 6.12 to 7.3": "no kernel has a version that is no number",
    "boot Linux 6.12 to 7.3, or try make && sudo make install": "no kernel is newer than the newest one that is tested",
    "boot Debian's kernel, or one with the patches of Queztl": "each kernel of the lab exports it",
    "boot a kernel with KVM; in a VM, enable nested virtualization": "each kernel for ARM64 of the lab has KVM built in",
    "if refused: sudo mokutil --import CERTIFICATE, then reboot": "the same with a key that is not DKMS's",
    "boot another kernel": "no kernel has had another version of KVM's API since 2007",
    "stop other hypervisors; see sudo dmesg | grep kvm": "there is none",
    "see sudo dmesg | grep kvm; in a VM, nested virtualization is broken": "it works",
    "update queztl.ko and reload it": "there is no older queztl.ko",
    "kernel-devel-%s": "of Fedora",
    "iproute": "of Fedora",
}


def arguments(text, at):
    """Of the call whose parenthesis is there."""
    depth, found, argument = 0, [], ""
    while True:
        literal = re.compile(LITERAL).match(text, at)
        if literal:
            argument, at = argument + literal[0], literal.end()
            continue
        letter = text[at]
        depth += (letter == "(") - (letter == ")")
        if not depth or letter == "," and depth == 1:
            found.append(argument)
            if not depth:
                return found
            argument = ""
        elif letter != "(" or depth > 1:
            argument += letter
        at += 1


def remedies():
    found = set()
    for path in (TOP / "userspace/cli").glob("doctor*.c"):
        text = path.read_text()
        for call in re.finditer(r"\bjudge\(", text):
            found.update(*(re.findall(LITERAL, word) for word in arguments(text, call.end() - 1)[3:4]))
        for body in re.findall(r"^static const char \*\w+_command\(.*?^}", text, re.M | re.S):
            found.update(re.findall(LITERAL, body))
        for before in (r"snprintf\((?:remedy|command|debian|fedora), [^\"]*", r"remedy\[\d+\] = ", r"#define LOAD_\w+ "):
            found.update(re.findall(before + LITERAL, text))
    return found


def each_remedy_has_a_test():
    """Or a reason, and nothing else is named."""
    found = remedies()
    assert found == {*TESTS, *UNTRIED}, f"not named: {found - {*TESTS, *UNTRIED}}; gone: {({*TESTS, *UNTRIED}) - found}"


def each_test_is_there():
    for path, *names in TESTS.values():
        text = (TOP / path).read_text()
        for name in names:
            assert re.search(rf"\b{name}\b", text), f"{path} has no {name}"


def main():
    failed = 0
    tests = [each_remedy_has_a_test, each_test_is_there]
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except AssertionError as error:
            failed = 1
            print(f"not ok {number} - {test.__name__}\n# {error}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
