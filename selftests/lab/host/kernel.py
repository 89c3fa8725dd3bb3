"""Kernels that L1 can boot: Debian's stock kernels (image, modules and headers of one release, unpacked together in one
cache entry), kernels that scripts/kernel built, and any other kernel by its path."""
import pathlib
import re
import shutil
import subprocess

from . import apt, cache

FLAVOURS = {"cloud": "linux-image-6.12-cloud-amd64", "generic": "linux-image-6.12-amd64"}
BUILT = ("debug", "release", "base")        # by scripts/kernel


class Kernel:
    """A bootable kernel: `image`, and `modules`, the directory that holds lib/modules/RELEASE."""

    def __init__(self, image, modules, release):
        self.image, self.modules, self.release = pathlib.Path(image), pathlib.Path(modules), release

    @property
    def module_dir(self):
        return self.modules / "lib/modules" / self.release

    @property
    def kdir(self):
        return self.modules / "usr/src" / f"linux-headers-{self.release}"


def relocate_headers(tree, release):
    """The Makefile of Debian's headers includes an absolute path: redirect it to the unpacked copy."""
    final = "$(dir $(abspath $(lastword $(MAKEFILE_LIST))))"
    makefile = tree / "usr/src" / f"linux-headers-{release}" / "Makefile"
    makefile.write_text(re.sub(r"^include /usr/src/", f"include {final}../", makefile.read_text(), flags=re.M))
    build = tree / "lib/modules" / release / "build"
    source = tree / "lib/modules" / release / "source"
    for link in (build, source):
        if link.is_symlink():
            target = pathlib.Path(str(link.readlink()))
            link.unlink()
            link.symlink_to(f"../../../usr/src/{target.name}")


def fetch_tree(release):
    flavour = release.split("-", 1)[1]                    # cloud-amd64 or amd64
    abi = release[: -len(flavour) - 1]                    # 6.12.117+deb12

    def make(tree):
        apt.unpack([f"linux-image-{release}", f"linux-headers-{release}", f"linux-headers-{abi}-common",
                    f"linux-kbuild-{abi}"], tree)
        if not (tree / "lib/modules").exists():           # a merged-/usr package
            (tree / "lib").mkdir(exist_ok=True)
            (tree / "lib/modules").symlink_to("../usr/lib/modules")
        relocate_headers(tree, release)
        subprocess.run(["/sbin/depmod", "-b", tree, release], check=True)
        shutil.rmtree(tree / "usr/share", ignore_errors=True)

    return cache.entry(f"kernels/{release}", make)


def stock(flavour, refresh=False):
    """The stock kernel of a flavour. Once downloaded it stays until `refresh` asks the mirror for a newer one."""
    link = cache.root() / "kernels" / flavour
    if refresh or not link.exists():
        apt.update()
        release = next(name for name in apt.depends(FLAVOURS[flavour]) if name.startswith("linux-image-"))
        cache.point(f"kernels/{flavour}", fetch_tree(release.removeprefix("linux-image-")))
    tree = link.resolve()
    return Kernel(tree / "boot" / f"vmlinuz-{tree.name}", tree, tree.name)


def find(what):
    """A stock flavour, one that scripts/kernel built, or the path of a bzImage with its modules beside it.

    For a path P the modules are searched in P's directory and its parent (lib/modules/RELEASE in it). A kernel with
    everything built in needs none.
    """
    if what in FLAVOURS:
        return stock(what)
    if what in BUILT:
        what = cache.root() / "linux/out" / what / "vmlinuz"
        if not what.exists():
            raise SystemExit(f"lab: kernel {what.parent.name} is not built: run scripts/kernel build {what.parent.name}")
    image = pathlib.Path(what).resolve(strict=True)
    release = image_release(image)
    for base in (image.parent, image.parent.parent):
        if (base / "lib/modules" / release).is_dir():
            return Kernel(image, base, release)
    return Kernel(image, image.parent, release)


def image_release(image):
    """The release string of a bzImage (see kernel_version in Documentation/arch/x86/boot.rst)."""
    head = pathlib.Path(image).read_bytes()[:65536]
    if head[0x202:0x206] != b"HdrS":
        raise SystemExit(f"lab: {image} is not a bzImage: give the kernel image, not vmlinux")
    at = int.from_bytes(head[0x20E:0x210], "little") + 0x200
    return head[at:head.index(b"\0", at)].split()[0].decode()
