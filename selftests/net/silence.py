# SPDX-License-Identifier: GPL-2.0
"""No command waits for a VMM that keeps its files in /proc locked (vm/silent.c). For doctor.py, which has queztl.ko loaded."""
import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

from ktap import Skip, check

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
PROGRAMS = pathlib.Path(os.environ.get("QZ_USER_BUILD", BUILD / "selftests"))
QUEZTL = os.environ.get("QZ_USER_QUEZTL", str(BUILD / "userspace/queztl"))
NOBODY = 65534
DEVICES = ("/dev/fuse", "/dev/kvm")     # which udev gives to everybody, and to who may have VMs
SECONDS = 60                # a limit is one second; a command that waits for the VMM waits for ever


class Vmm:
    """A process with a VM, known to the module."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen([str(word) for word in command], text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.said = self.process.stdout.readline() if select.select([self.process.stdout], [], [], SECONDS)[0] else ""

    def end(self):
        self.process.kill()
        self.process.communicate(timeout=SECONDS)


class Silent:
    """silent.c, as an ordinary user who may use KVM."""

    def __init__(self, mode):
        self.place = tempfile.TemporaryDirectory()
        os.chmod(self.place.name, 0o755)
        program, where = pathlib.Path(self.place.name, "silent"), pathlib.Path(self.place.name, "fuse")
        shutil.copy(PROGRAMS / "silent", program)
        where.mkdir()
        os.chown(where, NOBODY, NOBODY)
        self.modes = {path: os.stat(path).st_mode & 0o777 for path in DEVICES}
        for path in DEVICES:
            os.chmod(path, 0o666)
        self.vmm = Vmm(program, mode, where, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        self.pids = [int(word) for word in self.vmm.said.split()]

    def __enter__(self):
        if not self.pids:
            why = self.vmm.process.stderr.readline()
            self.__exit__()
            raise Skip(f"an ordinary user cannot do this here: {why}")
        deadline = time.monotonic() + SECONDS / 4
        while not is_locked(self.pids[0]):
            if time.monotonic() > deadline:
                self.__exit__()
                check(False, "it does answer")
        return self

    def end_as_doctor_says(self):
        """The VMM, and the process that serves its files, without which it does not end."""
        vmm, *servers = self.pids
        remedy = judge_answers(vmm)["remedy"]
        check(remedy == f"sudo kill -KILL {vmm}, and what serves its FUSE files", remedy)
        for pid in (vmm, *servers):
            os.kill(pid, 9)
        self.vmm.process.wait(SECONDS)

    def __exit__(self, *_):
        for path, mode in self.modes.items():
            os.chmod(path, mode)
        for pid in self.pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.vmm.end()
        self.place.cleanup()


def is_locked(pid):
    """Who reads one of these waits, and is killed. Not every kernel has smaps_rollup."""
    with subprocess.Popen(["cat", f"/proc/{pid}/stat", f"/proc/{pid}/cmdline"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as reader:
        try:
            reader.wait(1)
            return False
        except subprocess.TimeoutExpired:
            reader.kill()
            return True


def queztl(*words, codes=(0,)):
    try:
        done = subprocess.run([QUEZTL, *map(str, words)], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        check(False, f"queztl {' '.join(map(str, words))} waits for the VMM")
    check(done.returncode in codes, f"queztl {words}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def names(listed):
    return {vm["pid"]: vm["name"] for vm in listed if vm["pid"]}


def judge_answers(vm):
    checks = json.loads(queztl("doctor", "--vm", vm, "--json", codes=(0, 1)))["checks"]
    return next(found for found in checks if found["name"] == "answers")


def answers(vm):
    return judge_answers(vm)["status"]


def expect_no_wait(pid, honest):
    expected = {pid: None, honest: "honest"}
    for found in (names(json.loads(queztl("vms", "--json"))), names(json.loads(queztl("top", "--once", "--json"))["vms"])):
        check(expected.items() <= found.items(), f"{found} without {expected}")
    check("honest" in queztl("vms"), "vms does not name the other VM")
    check(str(pid) in queztl("top", "--once", pid), "top does not show it")
    check((answers(pid), answers("honest")) == ("warn", "ok"), "doctor --vm does not tell which one answers")
    queztl("attach", pid, codes=(0, 1))
    for words in (("stats",), ("stats", "--json"), ("port", "list", "vm", "honest"), ("sched", "status"),
                  ("monitor", "vm", "--initial", "--count", 2)):
        queztl(*words)
    with tempfile.TemporaryDirectory() as place:
        queztl("exporter", "-o", f"{place}/queztl.prom")
        text = pathlib.Path(place, "queztl.prom").read_text(encoding="utf-8")
    check('vm="honest"' in text and f'pid="{pid}"' in text, "metrics lack a VM")


def expect_no_wait_for(mode):
    with Silent(mode) as silent:
        honest = Vmm(PROGRAMS / "tinyvm", 1, -1, "-name", "honest")
        try:
            expect_no_wait(silent.pids[0], honest.process.pid)
        finally:
            honest.end()
        silent.end_as_doctor_says()


def nobody_waits_for_a_locked_memory_map():
    expect_no_wait_for("map")


def nobody_waits_for_an_execve_that_never_ends():
    expect_no_wait_for("exec")


TESTS = [nobody_waits_for_a_locked_memory_map, nobody_waits_for_an_execve_that_never_ends]
