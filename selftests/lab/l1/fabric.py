"""queztl.ko inside L1: load it, add a fabric, add ports to it. This needs only the module and the `vdpa` tool."""
import fcntl
import os
import pathlib
import struct
import subprocess
import time

QUEZTL_FABRIC_ADD = ord("Y") << 8 | 0x20
NAME_MAX = 32
MODULE = os.environ.get("QZ_USER_MODULE") or f"{os.environ['QZ_BUILD']}/kmod/{os.uname().release}/queztl.ko"
QUEZTL = f"{os.environ['QZ_BUILD']}/userspace/queztl"
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


def add_device(fabric, name, mac, mtu, pairs=None):
    more = [*(["mtu", str(mtu)] if mtu else []), *(["max_vqp", str(pairs)] if pairs else [])]
    run("vdpa", "dev", "add", "name", name, "mgmtdev", f"queztl/{fabric}", "mac", mac, *more)
    return VDPA_DEVICES / name


def add_port(fabric, name, mac, mtu=None, pairs=None):
    """Add a port for a VMM; returns its /dev/vhost-vdpa-N."""
    return node_of(add_device(fabric, name, mac, mtu, pairs))


def node_of(device):
    """The /dev/vhost-vdpa-N of a port, which appears soon after it."""
    for _ in range(50):
        for child in device.glob("vhost-vdpa-*"):
            if pathlib.Path("/dev", child.name).exists():
                return f"/dev/{child.name}"
        time.sleep(0.1)
    raise RuntimeError(f"port {device.name} has no /dev/vhost-vdpa-N after 5 s: is it bound to vhost_vdpa?")


def limit(name, packets):
    """Limit a port to so many packets per second; 0: no limit."""
    run(QUEZTL, "port", "set", name, "pps", str(packets or "none"))


def set_vlan(name, vid):
    """Frames of a port are of this VLAN, without a tag of their own."""
    run(QUEZTL, "port", "set", name, "vlan", str(vid))


def add_interface(fabric, name, mac, mtu=None):
    """Add a port as a network interface of this host; returns the name of the interface."""
    device = add_device(fabric, name, mac, mtu)
    if (device / "driver").exists():
        (device / "driver/unbind").write_text(name)
    (device / "driver_override").write_text("virtio_vdpa")
    pathlib.Path("/sys/bus/vdpa/drivers/virtio_vdpa/bind").write_text(name)
    return next(device.glob("virtio*/net/*")).name
