"""queztl.ko inside L1: load it, add a fabric, make ports of it. Needs nothing but the module and the `vdpa` tool."""
import fcntl
import os
import pathlib
import struct
import subprocess
import time

QUEZTL_FABRIC_ADD = ord("Q") << 8 | 0x20
NAME_MAX = 32
MODULE = os.environ.get("QZ_USER_MODULE") or f"{os.environ['QZ_SRC']}/build/kmod/{os.uname().release}/queztl.ko"
VDPA_DEVICES = pathlib.Path("/sys/bus/vdpa/devices")


def run(*argv):
    subprocess.run(argv, check=True)


def load():
    run("modprobe", "-a", "vdpa", "vhost_vdpa", "vhost_iotlb", "kvm", "vhost")
    if not pathlib.Path("/sys/module/queztl").exists():
        run("insmod", MODULE)


def add(name):
    argument = struct.pack(f"=IIQ{NAME_MAX}s", 16 + NAME_MAX, 0, 0, name.encode())
    with open("/dev/queztl", "rb") as device:
        fcntl.ioctl(device, QUEZTL_FABRIC_ADD, argument)


def add_port(fabric, name, mac, mtu=None):
    """A port for a VMM; returns its /dev/vhost-vdpa-N."""
    more = ["mtu", str(mtu)] if mtu else []
    run("vdpa", "dev", "add", "name", name, "mgmtdev", f"queztl/{fabric}", "mac", mac, *more)
    for _ in range(50):
        for child in (VDPA_DEVICES / name).glob("vhost-vdpa-*"):
            if pathlib.Path("/dev", child.name).exists():
                return f"/dev/{child.name}"
        time.sleep(0.1)
    raise RuntimeError(f"port {name} has no /dev/vhost-vdpa node (is vhost_vdpa its driver?)")
