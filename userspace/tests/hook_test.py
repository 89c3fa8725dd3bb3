#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the hook of libvirt does to the ports of others, with a program in the place of queztl; TAP."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

HOOK = Path(__file__).resolve().parent.parent / "libvirt" / "queztl"

# Ports are files. A port "slow" takes a while to be made, "firm" cannot be removed, and a rate "bad" cannot be set.
QUEZTL = r"""#!/bin/sh
cd "$PORTS" || exit 1
case "$*" in *--help*) exit 0;; esac
case "$1 $2" in
"port list") printf '['; for p in *; do [ -e "$p" ] && printf '%s{"name":"%s","state":["open"]}' "$c" "$p" && c=,; done
	printf ']';;
"port add") [ "$3" = slow ] && sleep 0.3; (set -C; echo "$*" >"$3") 2>/dev/null || { echo "queztl: a port has this name" >&2; exit 1; };;
"port del") [ "$3" != firm ] && rm "$3";;
"port set") case "$*" in *bad*) echo "queztl: invalid rate" >&2; exit 2;; esac; echo "$*" >>"$3";;
*) echo "$*" >>"$3";;
esac
"""
# The hook, with its marks in another place.
RUN = "import sys, pathlib; from importlib.machinery import SourceFileLoader as L; import types; " \
      "m = types.ModuleType('hook'); sys.dont_write_bytecode = True; L('hook', sys.argv[1]).exec_module(m); " \
      "m.MADE = pathlib.Path(sys.argv[2]); sys.exit(m.main(sys.argv[2:]))"


def xml(*ports):
    made = "".join("<q:port " + " ".join(f"{k}={quoteattr(v)}" for k, v in p.items()) + "/>" for p in ports)
    return f"<domain><metadata><q:ports xmlns:q='urn:queztl:ports'>{made}</q:ports></metadata></domain>"


class Host:
    def __init__(self, directory):
        self.root = Path(directory)
        self.ports, self.made = self.root / "ports", self.root / "domains"
        self.ports.mkdir()
        (self.root / "bin").mkdir()
        (self.root / "bin" / "queztl").write_text(QUEZTL)
        (self.root / "bin" / "queztl").chmod(0o755)
        self.env = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", "PORTS": str(self.ports)}

    def start(self, domain, operation, text=b""):
        last = {"prepare": "begin", "release": "end"}.get(operation, "begin")
        process = subprocess.Popen([sys.executable, "-c", RUN, HOOK, self.made, domain, operation, last, "-"], env=self.env,
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(text if isinstance(text, bytes) else text.encode())
        process.stdin.close()
        return process

    def end(self, process):
        self.said = process.stderr.read().decode()
        process.stderr.close()
        return process.wait(60)

    def run(self, *words):
        return self.end(self.start(*words))

    def names(self):
        return sorted(os.listdir(self.ports)), sorted(os.listdir(self.made)) if self.made.exists() else []


def port(name, **more):
    return {"name": name, "fabric": "lan", **more}


def a_port_comes_and_goes_with_its_domain(host):
    assert host.run("a", "prepare", xml(port("p", rate="1gbit", peers="x y"))) == 0, host.said
    assert (host.ports / "p").read_text().split("\n") == ["port add p lan for vm", "port set p rate 1gbit",
                                                           "policy allow p x", "policy allow p y", ""]
    assert host.run("a", "started", xml(port("p"))) == 0 and host.names() == (["p"], ["p"])
    assert host.run("a", "prepare", xml(port("p"), port("p"))) == 0, host.said       # its end was not noticed
    assert host.run("a", "release", xml(port("p"))) == 0 and host.names() == ([], [])


def the_port_of_another_domain_stays(host):
    assert host.run("a", "prepare", xml(port("p"))) == 0
    assert host.run("b", "prepare", xml(port("q"), port("p"))) == 1
    assert "port p is of domain a" in host.said and host.names() == (["p"], ["p"])
    assert host.run("b", "release", xml(port("p"))) == 0 and host.names() == (["p"], ["p"])
    assert host.run("a", "release") == 0 and host.names() == ([], [])


def the_port_of_an_administrator_stays(host):
    (host.ports / "p").write_text("his")
    assert host.run("a", "prepare", xml(port("p"), port("q", rate="bad"))) == 1
    assert host.run("a", "release", xml(port("p"))) == 0
    assert host.names() == (["p"], []) and (host.ports / "p").read_text() == "his"


def one_of_two_gets_a_port(host):
    both = [host.start(domain, "prepare", xml(port("slow"))) for domain in "ab"]
    codes = [host.end(process) for process in both]
    assert sorted(codes) == [0, 1], codes
    assert host.names() == (["slow"], ["slow"])
    assert (host.made / "slow").read_text() == "ab"[codes.index(0)] + "\n"


def a_failure_leaves_nothing(host):
    host.made.mkdir()
    (host.made / "q").symlink_to("none/q")          # no mark can be written
    assert host.run("a", "prepare", xml(port("p"), port("q"))) == 1 and host.names()[0] == []
    (host.made / "q").unlink()
    assert host.run("a", "prepare", xml(port("p"), port("q", rate="bad"))) == 1 and host.names() == ([], [])


def metadata_that_changes_leaves_nothing(host):
    for domain in ("a", " a b ", "-x", "ü\udcff"):
        for text in (xml(), "<domain", b"\xff"):
            assert host.run(domain, "prepare", xml(port("p"))) == 0, host.said
            assert host.run(domain, "release", text) == 0, host.said
            assert host.names() == ([], []), (domain, text)


def a_port_that_cannot_be_removed_stays_known(host):
    assert host.run("a", "prepare", xml(port("firm"), port("p"))) == 0
    assert host.run("a", "release") == 1
    assert host.names() == (["firm"], ["firm"])


def options_are_no_values(host):
    for bad in (port("p", rate="--help"), port("p", peers="x --help"), {"name": "p", "fabric": "--help"}, port("../p"),
                port("-p"), port("p\n"), port("p", mode="x"), {"name": "p"}):
        assert host.run("a", "prepare", xml(bad)) == 1, bad
        assert host.names() == ([], []), bad
    assert host.run("a", "prepare", xml(port("x\u001b[31m\n".replace("\u001b", "\u009b")))) == 1
    assert host.said.isascii() and host.said.count("\n") == 1, host.said
    for bad in (b"", b"<domain", b"\xff\xfe", b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain>&e;</domain>"):
        assert host.run("a", "prepare", bad) == 1 and "Traceback" not in host.said, host.said


TESTS = [a_port_comes_and_goes_with_its_domain, the_port_of_another_domain_stays, the_port_of_an_administrator_stays,
         one_of_two_gets_a_port, a_failure_leaves_nothing, metadata_that_changes_leaves_nothing,
         a_port_that_cannot_be_removed_stays_known, options_are_no_values]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        try:
            with tempfile.TemporaryDirectory() as directory:
                test(Host(directory))
            print(f"ok {number} - {test.__name__}")
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print("# " + f"{type(error).__name__}: {error}".replace("\n", "\n# "))
            print(f"not ok {number} - {test.__name__}")
    return 1 if failed else 0


sys.exit(main())
