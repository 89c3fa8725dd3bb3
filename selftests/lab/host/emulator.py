"""The QEMU that emulates L1: the distribution's (7.2), or QEMU 10 from backports, unpacked into the cache. Debian 13's is 10."""
import pathlib
import re
import subprocess

from . import apt, cache

STOCK = pathlib.Path("/usr/bin/qemu-system-x86_64")

# The unpacked QEMU finds its libraries and firmware beside itself. What is installed on this machine is used from there.
WRAPPER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu \\
exec "$here/usr/bin/qemu-system-x86_64" -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" \\
	-L /usr/share/qemu -L /usr/share/seabios "$@"
"""


def backports(refresh=False):
    link = cache.root() / "qemu" / "10"
    if refresh or not link.exists():
        debian = apt.Archive()
        debian.update()
        suite = debian.release + "-backports"
        version = debian.newest("qemu-system-x86", [suite])

        def make(tree):
            debian.unpack(debian.missing_for("qemu-system-x86", suite), tree)
            wrapper = tree / "qemu-system-x86_64"
            wrapper.write_text(WRAPPER)
            wrapper.chmod(0o755)
            version_of(wrapper)

        cache.point("qemu/10", cache.entry("qemu/" + re.sub(r"[^\w.+-]", "_", version), make))
    return link.resolve() / "qemu-system-x86_64"


def find(which):
    return STOCK if which == "7" or apt.codename() != "bookworm" else backports()


def version_of(program):
    out = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"version (\S+)", out).group(1)
