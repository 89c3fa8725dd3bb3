#!/usr/bin/env python3
"""queztl monitor sees what happens to ports and to the module. KTAP. Needs root, queztl.ko loaded, and its file in QZ_USER_KO."""
import json
import os
import pathlib
import platform
import select
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parents[1] / "userspace/tests")]

import ktap
import schemas
from ktap import check

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", HERE.parents[1] / "build"))
QUEZTL = os.environ.get("QZ_USER_QUEZTL", str(BUILD / "userspace/queztl"))
MODULE = os.environ.get("QZ_USER_KO", str(BUILD / "kmod" / platform.release() / "queztl.ko"))
FABRIC, PORT = "qtmon", "qtm0"
SECONDS = 60                # more than enough; a test fails if it passes


def run(*command):
    done = subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def queztl(*words):
    return run(QUEZTL, *words)


class Monitor:
    """One that has looked at the host when it is entered."""

    def __init__(self, *words):
        self.process = subprocess.Popen([QUEZTL, "monitor", "module", *words, "--initial", "--json"], bufsize=0,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        try:
            self.wait_for("added", "module", "queztl")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def wait_for(self, event, kind, name, key=None):
        """The next such event, within some time; others before it do not matter."""
        deadline = time.monotonic() + SECONDS
        while True:
            ready = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
            check(ready, f"no event: {kind} {name} {event} {key or ''}")
            found = json.loads(self.process.stdout.readline())
            if schemas.jsonschema:
                complaint = schemas.complaint("monitor", found)
                check(not complaint, complaint)
            if (found["event"], found["object"], found["name"], found["key"]) == (event, kind, name, key):
                return found

    def end(self):
        self.process.terminate()
        _, err = self.process.communicate(timeout=SECONDS)
        check(self.process.returncode == 0 and not err, f"SIGTERM: exit {self.process.returncode}: {err}")


def a_port_that_comes_changes_and_goes_is_three_events():
    with Monitor("port") as monitor:
        queztl("port", "add", PORT, FABRIC, "mac", "52:54:00:12:34:56")
        found = monitor.wait_for("added", "port", PORT)["new"]
        check(found["mac"] == "52:54:00:12:34:56" and found["fabric"] == FABRIC and found["pps"] == "none", f"{found}")
        queztl("port", "set", PORT, "pps", "1000")
        found = monitor.wait_for("changed", "port", PORT, "pps")
        check((found["old"], found["new"]) == ("none", "1000"), f"{found}")
        queztl("port", "del", PORT)
        found = monitor.wait_for("deleted", "port", PORT)["old"]
        check(found["pps"] == "1000", f"{found}")
        monitor.end()


def the_kernel_announces_ports():
    """Nothing would be seen for an hour."""
    with Monitor("port", "--interval", "3600") as monitor:
        queztl("port", "add", PORT, FABRIC)
        monitor.wait_for("added", "port", PORT)
        queztl("port", "del", PORT)
        monitor.wait_for("deleted", "port", PORT)
        monitor.end()


def the_module_comes_and_goes():
    """It is not in the way of who unloads it, and is told at once; also of one that was not there at the start."""
    with Monitor("fabric", "--interval", "3600") as monitor:
        queztl("fabric", "del", FABRIC)
        try:
            unload()
            monitor.wait_for("deleted", "module", "queztl")
            late = subprocess.Popen([QUEZTL, "monitor", "module", "--count", "2"], text=True, stdout=subprocess.PIPE)
            check("missing" in late.stdout.readline(), "does not say that the module is missing")
        finally:
            run("insmod", MODULE)
        monitor.wait_for("added", "module", "queztl")
        check("module queztl loaded version" in late.communicate(timeout=SECONDS)[0], "does not see it")
        queztl("fabric", "add", FABRIC)
        monitor.end()


def unload():
    """The module is in use while somebody looks at it."""
    deadline = time.monotonic() + SECONDS
    while subprocess.run(["rmmod", "queztl"], stderr=subprocess.DEVNULL, check=False).returncode:
        check(time.monotonic() < deadline, "rmmod: the module stays in use")
        time.sleep(0.1)


def remove_port(_result):
    """If a test has failed it is still there."""
    subprocess.run([QUEZTL, "port", "del", PORT], capture_output=True, check=False)


def main():
    queztl("fabric", "add", FABRIC)
    failed = ktap.run([a_port_that_comes_changes_and_goes_is_three_events, the_kernel_announces_ports,
                       the_module_comes_and_goes], remove_port)
    queztl("fabric", "del", FABRIC)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
