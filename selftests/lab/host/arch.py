"""Architectures of L1. This machine is taken for x86; what runs on another one is cross-built, and its L1 emulated."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Arch:
    name: str                   # the kernel's
    debian: str
    gnu: str
    image: str                  # what make builds, in arch/NAME/boot of the kernel's source
    package: str                # Debian's package of the emulator
    program: str
    machine: tuple              # of L1
    cpus: dict                  # of L1, by the emulator's version
    console: str
    cmdline: str                # of L1's kernel, besides what all have

    @property
    def tail(self):
        """In names of cache entries."""
        return "" if self is X86 else f"-{self.name}"

    @property
    def cross(self):
        """The prefix of the compiler."""
        return "" if self is X86 else f"{self.gnu}-"

    @property
    def option(self):
        """Of the lab's programs, as it is typed."""
        return "" if self is X86 else f"--arch {self.name} "

    @property
    def directory(self):
        """Below build/, of what make builds."""
        return "" if self is X86 else self.name


# All features of the emulator except those that make Linux and libc copy with `rep movsb` and clear with `rep stosb`:
# hardware does this by cache lines, the emulator byte by byte.
X86 = Arch("x86", "amd64", "x86_64-linux-gnu", "bzImage", "qemu-system-x86", "qemu-system-x86_64", ("-M", "q35"),
           {"10": "max,-erms,-fsrm,-fzrm,-fsrs", "7": "max,-erms,-fsrm"}, "ttyS0", "unknown_nmi_panic no_timer_check")
# EL2, so that L1 has KVM. Pointers are authenticated by a cheap hash: the architecture's own takes a tenth of the time.
ARM64 = Arch("arm64", "arm64", "aarch64-linux-gnu", "Image", "qemu-system-arm", "qemu-system-aarch64",
             ("-M", "virt,virtualization=on,gic-version=3"), {"10": "max,pauth-impdef=on"}, "ttyAMA0", "")
ARCHES = {arch.name: arch for arch in (X86, ARM64)}
