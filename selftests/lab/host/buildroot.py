"""A small root of another release of Debian, with what its kernels' headers want to build a module: scripts/kbuild."""
import subprocess

from . import apt, cache

# Besides the compiler: what the programs of linux-kbuild are linked to and started by.
PACKAGES = ("make", "perl", "python3-minimal", "pahole", "kmod", "libelf1t64", "libssl3t64", "zlib1g")
UNWANTED = ("doc", "info", "locale", "man")


def find(archive, compiler):
    """The root, made once; `archive` has been updated."""
    def make(tree):
        if subprocess.run(["which", "mmdebstrap"], stdout=subprocess.DEVNULL, check=False).returncode:
            raise SystemExit("lab: needs mmdebstrap: scripts/deps lab")
        cache.say(f"making a root of Debian {archive.release} with {compiler}")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=essential", f"--include={','.join((compiler, *PACKAGES))}",
                        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED), archive.release, tree],
                       input=archive.sources_text(), text=True, stdout=subprocess.DEVNULL, check=True)

    return cache.entry(f"roots/{archive.release}-{compiler}", make)
