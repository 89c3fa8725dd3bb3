"""The root of an L1 of another architecture: Debian's packages for it, unpacked once; the rest is this machine's."""
import hashlib
import pathlib
import shutil
import subprocess

from . import apt, cache

# What Debian takes for granted; what the lab and the tests use; libraries that programs of ours are linked to.
PACKAGES = ("base-files base-passwd bash coreutils dash diffutils findutils grep gzip hostname libc-bin login mawk mount "
            "ncurses-base netbase procps sed tar util-linux "
            "busybox-static cpio ethtool iperf3 iproute2 iputils-ping kmod python3 wireguard-tools xz-utils "
            "libjansson-dev libconfuse-dev").split()
# Installation would have made these.
LINKS = {"usr/bin/awk": "mawk", "usr/bin/sh": "dash", "etc/mtab": "/proc/self/mounts"}
UNWANTED = ("doc", "info", "locale", "man")
# Directories that L1 has from its own root, and from no other machine's.
SYSTEM = {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "run", "sbin", "sys", "usr",
          "var"}

# Runs a program in a mount namespace where the directory $2 is the root $1, with directories of this machine in it.
INSIDE = """
root=$1 where=$2; shift 2
mount -t tmpfs tmpfs "$where"
mkdir "$where"/{up,work,root}
mount -t overlay -o "lowerdir=$root,upperdir=$where/up,workdir=$where/work" overlay "$where/root"
while [ "$1" != -- ]; do
	mkdir -p "$where/root$1"
	mount --rbind "$1" "$where/root$1"
	shift
done
mount --rbind /dev "$where/root/dev"
shift
exec "$@"
"""


def finish(tree):
    """What the packages' scripts would do, as far as it is missed."""
    for name in ("bin", "lib", "sbin"):                         # packages still have files there
        if not (tree / name).is_symlink():
            subprocess.run(["cp", "-a", f"{tree}/{name}/.", tree / "usr" / name], check=True)
            shutil.rmtree(tree / name)
            (tree / name).symlink_to(f"usr/{name}")
    for name in ("passwd", "group"):
        shutil.copy(tree / "usr/share/base-passwd" / f"{name}.master", tree / "etc" / name)
    for name, target in LINKS.items():
        if not (tree / name).exists():
            (tree / name).symlink_to(target)
    for name in UNWANTED:
        shutil.rmtree(tree / "usr/share" / name, ignore_errors=True)


def find(arch):
    """The directory of the root."""
    packages = [*PACKAGES, arch.package]
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes() + " ".join(packages).encode()).hexdigest()[:12]

    def make(tree):
        debian = apt.Archive(arch=arch)
        debian.update()
        debian.unpack(debian.missing_for(debian.release, *packages), tree)
        finish(tree)

    return cache.entry(f"roots/{apt.codename()}{arch.tail}-{key}", make)


def shown(needed):
    """Directories of this machine that L1 sees at the same paths: all that are no system's, and what else is needed."""
    top = {path for path in pathlib.Path("/").iterdir()
           if path.is_dir() and not path.is_symlink() and path.name not in SYSTEM}
    return sorted(top | {path for path in needed if path.parts[1] in SYSTEM})


def served(arch, where, needed, argv):
    """`argv` run where the directory `where`/root is the root of L1."""
    return ["unshare", "--mount", "bash", "-euc", INSIDE, "root", find(arch), where, *shown(needed), "--", *argv]
