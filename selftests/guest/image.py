"""What a guest boots that is more than one of the lab's: a stock kernel, and the lab's initrd with programs added."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess

LAB = pathlib.Path(__file__).resolve().parents[1] / "lab"
# Busybox's nc sends a FIN when its input ends, which would end the other one.
RECEIVE = "rm -f /tmp/open; mkfifo /tmp/open; exec 3<>/tmp/open; nc -l -p 5001 <&3 >/tmp/got &"
MODULE, PROGRAM = "/qhp/qhp_guest.ko", "/qhp/qhptalk"      # in the guest


def builder():
    """selftests/lab/guest/build, which is a program."""
    loader = importlib.machinery.SourceFileLoader("guest_build", str(LAB / "guest/build"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("guest_build", loader))
    loader.exec_module(module)
    return module


def build(flavour):
    """The directory with the kernel and the lab's initrd."""
    return builder().build(flavour)


def module_for(build_dir, kdir):
    release = (pathlib.Path(kdir) / "include/config/kernel.release").read_text().strip()
    return pathlib.Path(build_dir) / "kmod-guest" / release / "qhp_guest.ko"


def add_tree(lab_initrd, tree, where):
    """The kernel unpacks one archive after the other, each from a multiple of four bytes."""
    added, initrd, lab = pathlib.Path(where) / "added", pathlib.Path(where) / "initrd", pathlib.Path(lab_initrd).read_bytes()
    builder().pack_initrd(tree, added)
    initrd.write_bytes(lab + bytes(-len(lab) % 4) + added.read_bytes())
    return initrd


def make_initrd(lab_initrd, module, program, where):
    """With the driver and the program of channels."""
    tree = pathlib.Path(where) / "tree"
    (tree / "qhp").mkdir(parents=True)
    for path in (module, program):
        subprocess.run(["cp", path, tree / "qhp"], check=True)
    return add_tree(lab_initrd, tree, where)


def make_initrd_with(lab_initrd, program, where):
    """With a program of this machine and its libraries, where they are here."""
    tree, builds = pathlib.Path(where) / "tree", builder()
    builds.copy_program(builds.X86, program, tree)
    return add_tree(lab_initrd, tree, where)
