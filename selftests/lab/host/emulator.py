"""The QEMU that emulates L1: the distribution's (7.2), or QEMU 10 from backports, unpacked into the cache. Debian 13's is 10."""
import pathlib
import re
import subprocess

from . import apt, cache
from .arch import X86

STOCK = pathlib.Path("/usr/bin/qemu-system-x86_64")

# The unpacked QEMU finds its libraries and firmware beside itself. What is installed on this machine is used from there.
WRAPPER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu \\
exec "$here/usr/bin/PROGRAM" -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" \\
	-L /usr/share/qemu -L /usr/share/seabios "$@"
"""


def backports(refresh=False, arch=X86):
    """The emulator of an architecture, which runs on this machine."""
    link = cache.root() / "qemu" / f"10{arch.tail}"
    if refresh or not link.exists():
        debian = apt.Archive()
        debian.update()
        suite = debian.release + "-backports"
        version = debian.newest(arch.package, [suite])

        def make(tree):
            debian.unpack(debian.missing_for(suite, arch.package), tree)
            wrapper = tree / arch.program
            wrapper.write_text(WRAPPER.replace("PROGRAM", arch.program))
            wrapper.chmod(0o755)
            version_of(wrapper)

        cache.point(f"qemu/{link.name}", cache.entry("qemu/" + re.sub(r"[^\w.+-]", "_", version) + arch.tail, make))
    return link.resolve() / arch.program


def find(which, arch=X86):
    installed = pathlib.Path("/usr/bin", arch.program)
    return installed if which == "7" or apt.codename() != "bookworm" else backports(arch=arch)


def version_of(program):
    out = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"version (\S+)", out).group(1)
