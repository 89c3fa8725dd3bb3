"""A clean root of Debian to install packages in: what a host has that builds modules by DKMS, and nothing of ours.

It has the headers of some kernels, the package lists, and the packages that ours need as files that apt has downloaded.
So an installation needs no network.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess

from . import apt, cache, kernel

# Whose headers, by the release of Debian; they bring the compiler. Debian 12's own kernel is too old for queztl.ko.
KERNELS = {"bookworm": ("old", "cloud"), "trixie": ("trixie", "new")}
INCLUDED = ("systemd", "udev", "make", "pkgconf", "libc6-dev", "kmod", "openssl")   # the latter signs modules
# Debian's packages that ours depend on.
NEEDED = ("dkms", "gcc", "libjansson4", "libconfuse2", "libelf1", "python3", "zlib1g", "iproute2")
UNWANTED = ("doc", "info", "locale")
DOWNLOAD = "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install -qq -y --no-install-recommends --reinstall --download-only"
# What is installed was downloaded, too.
PREPARE = 'rm "$1"/var/cache/apt/archives/*.deb; for dir in "$1"/lib/modules/*; do chroot "$1" /sbin/depmod "${dir##*/}"; done'


def find(release):
    """The root, made once."""
    if release not in KERNELS:
        raise SystemExit(f"lab: no clean root of '{release}': use {' or '.join(KERNELS)}")
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]

    def make(tree):
        if not shutil.which("mmdebstrap"):
            raise SystemExit("lab: needs mmdebstrap: scripts/deps lab")
        archive = apt.Archive(release)
        archive.update()
        flavours = kernel.flavours()
        headers = [f"linux-headers-{kernel.newest_release(archive, flavours[name])}" for name in KERNELS[release]]
        cache.say(f"making a clean root of Debian {release} with {' and '.join(headers)}")
        done = subprocess.run(["mmdebstrap", "--variant=minbase", "--skip=cleanup/apt",
                               f"--include={','.join((*INCLUDED, *headers))}", "--aptopt=APT::Install-Recommends \"false\"",
                               *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED),
                               f"--customize-hook={PREPARE}", f"--customize-hook={DOWNLOAD} {' '.join((*NEEDED, *headers))}",
                               release, tree, "-"],                      # sources are read from standard input
                              env={**os.environ, "INITRD": "No"},       # images that headers depend on want no initramfs
                              input=archive.sources_text(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            raise SystemExit("\n".join(["lab: mmdebstrap failed:", *done.stdout.splitlines()[-40:]]))

    return cache.entry(f"roots/{release}-clean-{key}", make)
