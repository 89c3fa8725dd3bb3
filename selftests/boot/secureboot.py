#!/usr/bin/env python3
"""A host with Secure Boot loads our module when DKMS's key is enrolled: Debian with its signed shim, GRUB and kernel, in a
machine whose UEFI trusts Microsoft's keys. Prints KTAP.

    secureboot.py [--built]
        --built: with the packages that are in build/deb

What `queztl doctor` says is done as it is printed; whoever sits before the machine uses its serial console.
"""
import contextlib
import json
import pathlib
import re
import shutil
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

import machine
from machine import check_boot

from ktap import check, say         # machine knows where it is

SIGNED = ("shim-signed", "grub-efi-amd64-signed", "mokutil", "mtools")
FIRMWARE = pathlib.Path("/usr/share/OVMF")
BUILD_SECONDS = 3600                        # of the module, by an emulated CPU; 970 were seen
PASSWORD = "enroll-me-1"
DOWN, ENTER = "\x1b[B", "\r"
# The screens of shim's MOK manager up to the last item, and what is chosen.
ENROLL = [("Press any key to perform MOK management", " "), ("Enroll hash from disk", DOWN + ENTER),
          ("View key 0", DOWN + ENTER), ("Enroll the key(s)?", DOWN + ENTER), ("Password:", PASSWORD + ENTER),
          ("Reboot", ENTER)]
# Documentation/install.rst shows it.
DOCUMENTED = machine.TOP / "Documentation/sign-module.sh"
KEY = "DKMS module signing key"
UNTRUSTED = "kernel lockdown requires a trusted signature, Secure Boot is on; queztl.ko is signed"
UNSIGNED = "kernel lockdown refuses unsigned modules, Secure Boot is on"


def squeeze(text):
    """On a busy machine firmware repeats a character that it took for not sent."""
    return re.sub(r"(.)\1+", r"\1", text)


class Host(machine.Host):
    """Boots from its other disk."""

    def __init__(self, name):
        self.esp = machine.TOP / "build/selftests" / name / "esp"
        super().__init__(name, SIGNED)
        self.console = None
        shutil.copy(FIRMWARE / "OVMF_VARS_4M.ms.fd", f"{self.tmp}/variables")

    def image_options(self):
        return ["--esp", self.esp, self.cmdline()]

    def boot_argv(self):
        """Only what runs in system management mode may write the variables."""
        return ["-M", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
                "-global", "ICH9-LPC.disable_s3=1",
                "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.secboot.fd",
                "-drive", f"if=pflash,unit=1,format=raw,file={self.tmp}/variables",
                "-drive", f"file={self.esp},if=none,id=esp,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=esp,bootindex=1",
                "-chardev", f"socket,id=serial,path={self.tmp}/serial,server=on,wait=off,logfile={self.tmp}/console",
                "-serial", "chardev:serial"]

    def screen_after(self, start):
        """What the console has printed, without what moves the cursor."""
        text = (self.tmp / "console").read_bytes()[start:].decode(errors="replace")
        return squeeze(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))

    def answer(self, steps):
        """Type when a text is there: (text, keys) in turn. A screen may be drawn more than once."""
        start = (self.tmp / "console").stat().st_size
        for text, keys in steps:
            deadline = time.monotonic() + machine.SECONDS
            while squeeze(text) not in self.screen_after(start):
                self.check(deadline)
                time.sleep(0.2)
            start = (self.tmp / "console").stat().st_size
            self.type(keys)

    def type(self, keys):
        if not self.console:
            self.console = socket.socket(socket.AF_UNIX)
            self.console.connect(f"{self.tmp}/serial")
            threading.Thread(target=self.drain, args=(self.console,), daemon=True).start()
        self.console.sendall(keys.encode())

    @staticmethod
    def drain(console):
        """Whoever is connected has to read; the emulator writes the log."""
        with contextlib.suppress(OSError):
            while console.recv(65536):
                pass

    def stop(self):
        super().stop()
        if self.console:
            self.console.shutdown(socket.SHUT_RDWR)
            self.console = None

    def end(self):
        super().end()
        self.esp.unlink(missing_ok=True)


HOST = None
SAVED = {}                                  # what doctor has said


def checks():
    """What doctor finds, by name."""
    said = HOST.run("queztl doctor --json")[1]
    return {found["name"]: found for found in json.loads(said[said.index("{"):])["checks"]}


def check_finding(name, status, what):
    found = checks()[name]
    check((found["status"], found["what"]) == (status, what), f"{found}")
    return found["remedy"]


def check_refused(why):
    """modprobe says the same of both, the kernel's log says why."""
    code, said = HOST.run("modprobe queztl")
    check(code and "Key was rejected by service" in said, f"modprobe: exit code {code}: {said}")
    log = HOST.expect("dmesg | grep 'Loading of' | tail -n 1")
    check(f"Loading of {why} is rejected" in log, f"the log: {log}")


def check_secure():
    """The firmware has verified what it started, and the kernel keeps to that."""
    lockdown = HOST.expect("cat /sys/kernel/security/lockdown")
    check("[integrity]" in lockdown, f"lockdown: {lockdown}")
    check(HOST.expect("mokutil --sb-state").strip() == "SecureBoot enabled", HOST.run("mokutil --sb-state")[1])


# -- a key that nobody has enrolled -----------------------------------------------------------------------------------
def boots_with_secure_boot():
    HOST.start()
    check_boot(HOST, HOST.wait_booted())
    check_secure()
    signer = HOST.expect("modinfo -F signer queztl")
    check(signer == KEY, f"the module is signed by '{signer}'")


def a_key_that_is_not_enrolled_is_refused():
    check_refused("module with unavailable key")
    SAVED["remedy"] = check_finding("signature", "warn", UNTRUSTED)
    say(SAVED["remedy"])


def the_key_is_imported_as_doctor_says():
    """It asks for the password twice. The ten seconds that the manager waits for somebody shall not decide this test."""
    command = re.fullmatch(r"if refused: sudo (mokutil --import \S+), then reboot", SAVED["remedy"])
    check(command, SAVED["remedy"])
    HOST.expect(f"printf '%s\\n' {PASSWORD} {PASSWORD} | {command[1]}")
    new = HOST.expect("mokutil --list-new")
    check(f"CN={KEY}" in new or f"CN = {KEY}" in new, new)
    HOST.expect("mokutil --timeout 240")


def the_key_is_enrolled_at_the_console():
    before = HOST.boot_id()
    HOST.post("systemctl reboot")
    HOST.answer(ENROLL)
    check_boot(HOST, HOST.wait_booted())
    check(HOST.boot_id() != before, "it is the same boot")
    check_secure()
    enrolled = HOST.expect("mokutil --list-enrolled")
    check(KEY in enrolled, enrolled)


def ports_are_made_with_secure_boot():
    """The service has loaded the module; now an administrator does."""
    check_finding("queztl.ko", "ok", f"loaded, version {HOST.expect('cat /sys/module/queztl/version')}")
    HOST.expect("modprobe -r queztl && modprobe queztl")
    check_finding("signature", "ok", "kernel lockdown accepted the module")
    HOST.expect("queztl fabric add lan && queztl port add web0 lan for vm && test -c /run/queztl/ports/web0")
    HOST.expect("queztl port del web0 && queztl fabric del lan")


# -- a module without a signature -------------------------------------------------------------------------------------
def remove_signature(target):
    """Of the installed module; objcopy leaves out what follows the sections. The result is compressed as that is."""
    HOST.expect("modprobe -r queztl && module=$(modinfo -n queztl) && xz -dc $module >/root/signed.ko && "
                "objcopy /root/signed.ko /root/queztl.ko && xz -f --check=crc32 --lzma2=dict=1MiB /root/queztl.ko && "
                f"mv /root/queztl.ko.xz {target} && depmod")
    check(not HOST.expect("modinfo -F signer queztl"), "it is signed")
    check_refused("unsigned module")


def check_loads():
    HOST.expect("modprobe queztl")
    check_finding("signature", "ok", "kernel lockdown accepted the module")


def a_module_from_sources_is_signed_as_documented():
    """It lies where `make install` puts it; DKMS's comes back afterwards."""
    HOST.expect("modinfo -n queztl >/root/path && cp $(cat /root/path) /root/dkms.ko.xz")
    remove_signature("/lib/modules/$(uname -r)/updates/queztl.ko.xz && rm $module")
    remedy = check_finding("signature", "fail", UNSIGNED)
    check(remedy.endswith(": Documentation/install.rst"), remedy)
    HOST.expect(" && ".join(DOCUMENTED.read_text().splitlines()).replace("sudo ", ""))
    check_loads()
    HOST.expect("rm /lib/modules/$(uname -r)/updates/queztl.ko* && mv /root/dkms.ko.xz $(cat /root/path) && depmod")


def dkms_makes_a_key_as_documented():
    HOST.expect("cd /var/lib/dkms && mv mok.key mok.pub /root && dkms generate_mok && test -s mok.key && test -s mok.pub "
                "&& ! cmp mok.pub /root/mok.pub && mv /root/mok.key /root/mok.pub .")


def dkms_signs_its_module_as_doctor_says():
    """The package builds it again."""
    remove_signature("$module")
    remedy = check_finding("signature", "fail", UNSIGNED)
    say(remedy)
    started = time.monotonic()
    HOST.expect("export DEBIAN_FRONTEND=noninteractive; " + remedy.replace("sudo ", ""), BUILD_SECONDS)
    say(f"{time.monotonic() - started:.0f} s")
    check_loads()


TESTS = [boots_with_secure_boot, a_key_that_is_not_enrolled_is_refused, the_key_is_imported_as_doctor_says,
         the_key_is_enrolled_at_the_console, ports_are_made_with_secure_boot,
         a_module_from_sources_is_signed_as_documented, dkms_makes_a_key_as_documented,
         dkms_signs_its_module_as_doctor_says]


def main(argv):
    global HOST
    if set(argv) - {"--built"}:
        raise SystemExit(__doc__)
    if not FIRMWARE.exists():
        raise SystemExit("secureboot: needs ovmf: scripts/deps lab")
    if "--built" not in argv:
        machine.build_packages()
    HOST = Host("secureboot")
    return machine.run(HOST, TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
