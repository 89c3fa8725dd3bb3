"""Kernels an L1 can boot: Debian's (image, modules and headers of one release, unpacked side by side in one cache entry),
those that scripts/kernel built, and any other by its path."""
import dataclasses
import pathlib
import re
import shutil
import subprocess

from . import apt, buildroot, cache
from .arch import ARM64, X86

BUILT = ("debug", "release", "base")        # by scripts/kernel


@dataclasses.dataclass(frozen=True)
class Flavour:
    """A kernel of Debian's by the package that depends on the newest one; which Debian, which of its suites."""

    package: str
    debian: str = ""                        # this machine's
    suites: tuple = ("", "-security", "-updates", "-backports")


def flavours(arch=X86):
    stable = ("", "-security", "-updates")
    if apt.codename() == "bookworm":        # its own kernel is older; these are backports, from the security suite too
        own = {"cloud": Flavour("linux-image-6.12-cloud-amd64"), "generic": Flavour("linux-image-6.12-amd64"),
               "old": Flavour("linux-image-cloud-amd64", suites=stable)}
    else:
        own = {"cloud": Flavour("linux-image-cloud-amd64", suites=stable),
               "generic": Flavour("linux-image-amd64", suites=stable)}
    if arch is ARM64:
        return {"cloud": Flavour(own["cloud"].package.replace(X86.debian, arch.debian), suites=own["cloud"].suites)}
    return {**own, "trixie": Flavour("linux-image-cloud-amd64", "trixie", stable),
            "new": Flavour("linux-image-cloud-amd64", "trixie", ("-backports",))}


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
    """Debian's header Makefile names absolute paths: point them into the unpacked copy."""
    here = "$(dir $(abspath $(lastword $(MAKEFILE_LIST))))"
    makefile = tree / "usr/src" / f"linux-headers-{release}" / "Makefile"
    text = re.sub(r"^include /usr/src/", f"include {here}../", makefile.read_text(), flags=re.M)
    makefile.write_text(re.sub(r"^KBUILD_OUTPUT=.*", f"KBUILD_OUTPUT := $(patsubst %/,%,{here})", text, flags=re.M))
    build = tree / "lib/modules" / release / "build"
    source = tree / "lib/modules" / release / "source"
    for link in (build, source):
        if link.is_symlink() and link.readlink().is_absolute():
            target = pathlib.Path(str(link.readlink()))
            link.unlink()
            link.symlink_to(f"../../../usr/src/{target.name}")


def link_image(tree, release):
    """Newer packages have the image among the modules."""
    image = tree / "boot" / f"vmlinuz-{release}"
    if not image.exists():
        image.parent.mkdir(exist_ok=True)
        image.symlink_to(f"../usr/lib/modules/{release}/vmlinuz")


def abi_of(release):
    """What packages for all flavours are named by: 6.12.117+deb12, or 6.1.0-55 of older ones."""
    return re.match(r"[\d.]+(\+\w+|-\d+)", release).group(0)


def kbuild_of(release):
    return f"linux-kbuild-{abi_of(release) if '+' in release else '.'.join(release.split('.')[:2])}"


def packages_of(archive, release):
    image = [f"linux-{part}-{release}" for part in ("binary", "modules", "base")]
    if not archive.has(image[0]):
        image = [f"linux-image-{release}"]
    return [*image, f"linux-headers-{release}", f"linux-headers-{abi_of(release)}-common"]


def native(archive):
    """For programs that run on this machine."""
    if archive.arch is X86:
        return archive
    mine = apt.Archive(archive.release)
    mine.update()
    return mine


def compiler_of(tree, release):
    variables = (tree / "usr/src" / f"linux-headers-{release}" / ".kernelvariables").read_text()
    return re.search(r"\bgcc-\d+", variables).group(0)


def fetch_tree(archive, release):
    def make(tree):
        archive.unpack(packages_of(archive, release), tree)
        native(archive).unpack([kbuild_of(release)], tree)
        if not (tree / "lib/modules").exists():           # a merged-/usr package
            (tree / "lib").mkdir(exist_ok=True)
            (tree / "lib/modules").symlink_to("../usr/lib/modules")
        relocate_headers(tree, release)
        link_image(tree, release)
        subprocess.run(["/sbin/depmod", "-b", tree, release], check=True)
        shutil.rmtree(tree / "usr/share", ignore_errors=True)

    return cache.entry(f"kernels/{release}", make)


def give_buildroot(archive, tree):
    """Headers of another Debian need its compiler: scripts/kbuild finds it by this link."""
    link = tree / ".buildroot"
    if archive.release != apt.codename() and not link.exists():
        root = buildroot.find(archive, compiler_of(tree, tree.name))
        cache.point(link.relative_to(cache.root()), root)


def newest_release(archive, flavour):
    """Of a kernel of Debian's, whose lists have been read."""
    version = archive.newest(flavour.package, [archive.release + tail for tail in flavour.suites])
    image = next(what for what in archive.depends(flavour.package, version) if re.match(r"linux-image-\d", what))
    return image.removeprefix("linux-image-")


def stock(name, refresh=False, arch=X86):
    """A kernel of Debian's; once fetched it stays until `refresh` asks the mirror for a newer one."""
    if name not in flavours(arch):
        raise SystemExit(f"lab: no kernel '{name}' for {arch.name}: use {' or '.join(flavours(arch))}")
    flavour = flavours(arch)[name]
    archive = apt.Archive(flavour.debian, arch)
    link = cache.root() / "kernels" / f"{name}{arch.tail}"
    if refresh or not link.exists():
        archive.update()
        cache.point(f"kernels/{link.name}", fetch_tree(archive, newest_release(archive, flavour)))
    tree = link.resolve()
    give_buildroot(archive, tree)
    return Kernel(tree / "boot" / f"vmlinuz-{tree.name}", tree, tree.name)


def find(what, arch=X86):
    """One of Debian's by name, one that scripts/kernel built, or the path of an image whose modules lie beside it.

    For a path P the modules are searched in P's directory and its parent (lib/modules/RELEASE in it). A kernel with
    everything built in needs none.
    """
    if what in flavours():
        return stock(what, arch=arch)
    if what in BUILT:
        flavour, what = what, cache.root() / "linux/out" / f"{what}{arch.tail}" / "vmlinuz"
        if not what.exists():
            raise SystemExit(f"lab: kernel {what.parent.name} is not built: run scripts/kernel {arch.option}build {flavour}")
    image = pathlib.Path(what).resolve(strict=True)
    release = image_release(image)
    for base in (image.parent, image.parent.parent):
        if (base / "lib/modules" / release).is_dir():
            return Kernel(image, base, release)
    return Kernel(image, image.parent, release)


def image_release(image):
    """The release string of a bzImage or of an ARM64 Image.

    A bzImage's header points to it, an Image is not compressed (see Documentation/arch/{x86/boot,arm64/booting}.rst).
    """
    text = pathlib.Path(image).read_bytes()
    if text[0x202:0x206] == b"HdrS":
        at = int.from_bytes(text[0x20E:0x210], "little") + 0x200
        return text[at:text.index(b"\0", at)].split()[0].decode()
    banner = re.search(rb"\0Linux version (\S+) \(", text) if text[0x38:0x3C] == b"ARM\x64" else None
    if not banner:
        raise SystemExit(f"lab: {image} is neither a bzImage nor an ARM64 Image: give the kernel image, not vmlinux")
    return banner[1].decode()
