"""What a guest boots to test qhp_guest.ko: a stock kernel, and the lab's initrd with the module and a program added."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess

LAB = pathlib.Path(__file__).resolve().parents[1] / "lab"
# Busybox's nc sends a FIN when its input ends, which would end the other one.
RECEIVE = "rm -f /tmp/open; mkfifo /tmp/open; exec 3<>/tmp/open; nc -l -p 5001 <&3 >/tmp/got &"
MODULE, PROGRAM = "/qhp/qhp_guest.ko", "/qhp/qhptalk"      # in the guest


def build(flavour):
    """The directory with the kernel and the lab's initrd: selftests/lab/guest/build, which is a program."""
    loader = importlib.machinery.SourceFileLoader("guest_build", str(LAB / "guest/build"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("guest_build", loader))
    loader.exec_module(module)
    return module.build(flavour)


def module_for(build_dir, kdir):
    release = (pathlib.Path(kdir) / "include/config/kernel.release").read_text().strip()
    return pathlib.Path(build_dir) / "kmod-guest" / release / "qhp_guest.ko"


def make_initrd(lab_initrd, module, program, where):
    """The kernel unpacks one archive after the other, each from a multiple of four bytes."""
    tree = pathlib.Path(where) / "tree"
    (tree / "qhp").mkdir(parents=True)
    names = ["qhp", *(f"qhp/{pathlib.Path(path).name}" for path in (module, program))]
    for path in (module, program):
        subprocess.run(["cp", path, tree / "qhp"], check=True)
    packed = subprocess.run(["cpio", "-o", "-H", "newc", "--owner=0:0", "--quiet"], cwd=tree, check=True,
                            input="".join(f"{name}\n" for name in names).encode(), stdout=subprocess.PIPE).stdout
    initrd, lab = pathlib.Path(where) / "initrd", pathlib.Path(lab_initrd).read_bytes()
    initrd.write_bytes(lab + bytes(-len(lab) % 4) + packed)
    return initrd
