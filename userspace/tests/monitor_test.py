#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""queztl monitor as a process on the simulated host, which does not change; TAP."""
import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("O", HERE.parent.parent / "build" / "userspace"))
PROGRAM = BUILD / "tests" / "queztl-fake"
NAME = 'evil\n00:00:00.000 port web0 deleted\x1b[31m "x'     # what a tenant may call a VM
SECONDS = 30


def start(*words, **options):
    return subprocess.Popen([PROGRAM, "monitor", *words, "--", "-name", NAME], stdout=options.pop("stdout", subprocess.PIPE),
                            stderr=subprocess.PIPE, bufsize=0, **options)


def end(process, number):
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err.decode()


def signals_end_it():
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start("--initial", "--interval", "3600")
        line = process.stdout.readline()
        assert re.fullmatch(rb"\d\d:\d\d:\d\d\.\d{3} module queztl loaded .*\n", line), line
        code, out, err = end(process, number)
        assert (code, err) == (0, ""), (code, err)
        assert out.endswith(b"\n") and out.count(b"\n") == 7, out


def a_signal_ends_it_while_nobody_reads():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65536)
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    process = start("--initial", stdout=writing)
    try:
        # It has looked, and waits for room in the pipe.
        while not is_asleep(process.pid):
            assert process.poll() is None
        code, _, err = end(process, signal.SIGTERM)
        assert (code, err) == (0, ""), (code, err)
    finally:
        process.kill()
        os.close(reading)
        os.close(writing)


def is_asleep(pid):
    """It has caught the signals, and sleeps."""
    text = Path(f"/proc/{pid}/status").read_text()
    caught = int(re.search(r"^SigCgt:\s*(\w+)", text, re.MULTILINE)[1], 16)
    return re.search(r"^State:\s*S", text, re.MULTILINE) and caught & 1 << (signal.SIGTERM - 1)


def it_ends_when_its_reader_has_left():
    process = start("--initial", "--interval", "3600")
    process.stdout.readline()
    select.select([process.stdout], [], [], SECONDS)
    process.stdout.close()
    assert process.wait(SECONDS) in (0, -signal.SIGPIPE)
    process.stderr.close()


def a_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        process = start("--initial", stdout=full)
        err = process.communicate(timeout=SECONDS)[1].decode()
    assert process.returncode == 1 and err == "queztl: cannot write to standard output\n", (process.returncode, err)


def names_do_no_harm():
    process = start("vm", "--initial", "--count", "2")
    lines = process.communicate(timeout=SECONDS)[0].decode().splitlines()
    assert len(lines) == 2 and lines[1].endswith('name evil?00:00:00.000 port web0 deleted?[31m "x'), lines
    process = start("vm", "--initial", "--count", "2", "--json")
    lines = process.communicate(timeout=SECONDS)[0].decode().splitlines()
    assert len(lines) == 2 and json.loads(lines[1])["name"] == NAME, lines


TESTS = [signals_end_it, a_signal_ends_it_while_nobody_reads, it_ends_when_its_reader_has_left, a_full_disk_is_an_error,
         names_do_no_harm]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError) as error:
            failed += 1
            print("# " + f"{type(error).__name__}: {error}".replace("\n", "\n# "))
            print(f"not ok {number} - {test.__name__}")
    return 1 if failed else 0


sys.exit(main())
