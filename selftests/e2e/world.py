"""What the tests act on: fabrics, ports, guests that boot when first asked for, the command-line tool, the kernel log."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

SOURCE = pathlib.Path(os.environ["QZ_SRC"])
BUILD = pathlib.Path(os.environ["QZ_BUILD"])
OUT = pathlib.Path(os.environ["QZ_OUT"])
sys.path[:0] = [str(SOURCE / "selftests/lab"), str(SOURCE / "selftests/lab/l1"), str(SOURCE / "userspace/tests")]

import fabric
import schemas
import vm
from host import verdict
from ktap import Failure, check, say

QUEZTL = pathlib.Path("/run/queztl-e2e")        # a copy: other users may not see the checkout
MODULE_DIR = pathlib.Path("/sys/module/queztl")
JUMBO = 9000
HUGE = f",host_mtu={JUMBO}"
# A NIC that can be unplugged, by PCIe's own hot-plug: the guest has no driver for ACPI's.
PLUGGED = ",id=nic,bus=socket"
SOCKET = ["-device", "pcie-root-port,id=socket", "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
LAB_FAULTS = []


# -- the tool ---------------------------------------------------------------------------------------------------------
def queztl(*argv, user=None):
    """(exit code, stdout, stderr) of the tool, as root or as another user."""
    if not QUEZTL.exists():
        shutil.copy(BUILD / "userspace/queztl", QUEZTL)
        QUEZTL.chmod(0o755)
    other = {"user": user, "group": user, "extra_groups": []} if user else {}
    done = subprocess.run([QUEZTL, *argv], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, cwd="/", timeout=120 * vm.SLOW, **other)
    return done.returncode, done.stdout, done.stderr


def ask(*argv):
    """What a command says as JSON; it must succeed."""
    code, out, err = queztl(*argv, "--json")
    check(code == 0, f"queztl {' '.join(argv)}: exit {code}: {err}")
    found = json.loads(out)
    complaint = schemas.complaint_about_words(argv, found)
    check(not complaint, complaint)
    return found


def vms():
    """VMs by process id."""
    return {found["pid"]: found for found in ask("vms")}


def vm_counts(pid):
    return next((found["counts"] for found in ask("stats")["vms"] if found["pid"] == pid), None)


def port(name):
    return next(found for found in ask("port", "list") if found["name"] == name)


def counts(*names):
    """Counters of ports, in the order of the names."""
    found = {each["name"]: each["counts"] for each in ask("stats")["ports"]}
    return [found[name] for name in names]


def references():
    return int((MODULE_DIR / "refcnt").read_text())


def wait_for(what, condition, seconds=30):
    """Poll a condition; the time it took."""
    started, seconds = time.monotonic(), seconds * vm.SLOW
    while not condition():
        if time.monotonic() - started > seconds:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - started


def wait_for_port(name, guest_):
    """A guest that is not asked anything brings its port up."""
    deadline = time.monotonic() + vm.READY_SECONDS
    while "up" not in port(name)["state"]:
        guest_.check(deadline)
        time.sleep(0.1)


# -- fabrics and ports ------------------------------------------------------------------------------------------------
# name: (fabric, number, MTU); an address is 10.FABRIC.0.NUMBER
FABRICS = {"blue": 1, "red": 2}
PORTS = {"blue-a": ("blue", 1, JUMBO), "blue-b": ("blue", 2, JUMBO), "blue-c": ("blue", 3, JUMBO),
         "blue-d": ("blue", 4, None), "red-b": ("red", 2, None), "red-c": ("red", 3, None)}
NODES = {}


def address(name):
    return f"10.{FABRICS[PORTS[name][0]]}.0.{PORTS[name][1]}"


def mac(name):
    return f"52:54:00:e2:{FABRICS[PORTS[name][0]]:02x}:{PORTS[name][1]:02x}"


def load():
    """With room for the map of a DPDK program without huge pages: an entry for each page, where memory is in pieces."""
    subprocess.run(["modprobe", "vhost_vdpa", "max_iotlb_entries=65536"], check=True)
    fabric.load()


def make_fabrics():
    for name in FABRICS:
        fabric.add(name)
    for name, (where, _, mtu) in PORTS.items():
        NODES[name] = fabric.add_port(where, name, mac(name), mtu)


def nic(name, device=""):
    return vm.vdpa(mac(name), f"{address(name)}/24", NODES[name], device)


# -- guests -----------------------------------------------------------------------------------------------------------
OTHER = {"7": "10", "10": "7"}[vm.VMM]
# name: (ports and their device properties, properties of the guest); those of the same port are there one at a time
GUESTS = {
    "early": ({}, {"cpus": 2, "mem": "128M"}),
    "a": ({"blue-a": HUGE}, {"may_reboot": True}),
    "b": ({"blue-b": HUGE + ",rx_queue_size=256,tx_queue_size=256", "red-b": ""}, {}),
    "c": ({"blue-c": HUGE, "red-c": ""}, {"emulator": OTHER}),
    "wide": ({"blue-d": ",rx_queue_size=1024,tx_queue_size=1024"}, {}),
    "q35": ({"blue-d": PLUGGED}, {"machine": "q35", "mem": "256M,slots=8,maxmem=1G", "extra": SOCKET}),
    "huge": ({"blue-d": ""}, {"mem": "128M", "extra": ["-machine", "memory-backend=ram", "-object",
                                                       "memory-backend-memfd,id=ram,size=128M,hugetlb=on"]}),
    "mmio": ({"blue-d": ""}, {"machine": "microvm-mmio"}),
    "mmio-other": ({"blue-d": ""}, {"machine": "microvm-mmio", "emulator": OTHER}),
    "short": ({"blue-d": ""}, {"mem": "96M"}),
    "named": ({"blue-e": ""}, {"mem": "96M"}),
    "vlans": ({"blue-b": "", "red-b": ""}, {"kernel": "cloud"}),
}
RETRIES = {"q35": 2}        # now and then a q35 guest hangs in early boot under emulation: no fault of what is tested
running = {}


def build(name):
    ports, properties = GUESTS[name]
    return vm.Guest(name, [nic(each, device) for each, device in ports.items()], **properties)


def boot(names):
    guests = {name: build(name).start() for name in names}
    for name, guest in guests.items():
        running[name] = guest
        guest.wait_ready()
        guest.expect("qzping -s >/dev/null 2>&1 &")
    return guests


def boot_stubborn(name):
    """Boot a guest that may hang through no fault of ours."""
    for tries_left in reversed(range(RETRIES[name] + 1)):
        try:
            return boot([name])
        except TimeoutError as error:
            stop(name)
            LAB_FAULTS.append(name)
            say(f"lab fault: guest {name} hung in early boot: {' '.join(str(error).split())[-200:]}")
            if not tries_left:
                raise


def stop_users(ports):
    """Whoever else has one of these ports gives it back."""
    stop(*[name for name in running if set(GUESTS[name][0]) & set(ports)])


def guests(*names):
    """Running guests of these names; those that are not there boot side by side."""
    missing = [name for name in names if name not in running or running[name].process.poll() is not None]
    for name in missing:
        stop(name)
        stop_users(GUESTS[name][0])
    for name in [each for each in missing if each in RETRIES]:
        boot_stubborn(name)
    boot([each for each in missing if each not in RETRIES])
    found = [running[name] for name in names]
    return found if len(found) > 1 else found[0]


def guest(name):
    return guests(name)


def forget(guest_):
    for name in [name for name, each in running.items() if each is guest_]:
        del running[name]
    shutil.rmtree(guest_.tmp, ignore_errors=True)


def kill(guest_):
    guest_.kill()
    forget(guest_)


def stop(*names):
    for name in names:
        if name in running:
            gone = running.pop(name)
            gone.stop()
            forget(gone)


def stop_all(but=()):
    stop(*[name for name in running if name not in but])


def save_consoles():
    """What the guests said, for whoever looks into a failure."""
    for name, each in running.items():
        for log in ("console", "qemu.log"):
            if (each.tmp / log).exists():
                shutil.copy(each.tmp / log, OUT / f"{name}.{log}")


# -- traffic ----------------------------------------------------------------------------------------------------------
def ping(source, target, count=3, size=56, wait=10):
    """How many of `count` echo requests were answered."""
    _, text = source.run(f"ping -c {count} -i 0.2 -W {wait} -s {size} {target}", seconds=60 + count * wait)
    words = next((line.split() for line in text.splitlines() if "packets transmitted" in line), None)
    check(words, f"guest {source.name}: ping {target}: {text}")
    return int(words[3])


def expect_ping(source, target, count=3, size=56):
    answered = ping(source, target, count, size)
    check(answered == count, f"guest {source.name}: ping -s {size} {target}: {answered} of {count} answered")


def expect_silence(source, target, size=56):
    answered = ping(source, target, size=size, wait=1)
    check(answered == 0, f"guest {source.name}: {target} answered {answered} times")


def expect_udp(source, target, count=300, size=64):
    """Exchange datagrams, one under way at a time; none may be lost."""
    text = source.expect(f"qzping -n {count} -w 0 -t 10000 -l {size} {target}", seconds=120 + count)
    found = json.loads(text)
    check(found["lost"] == 0 and found["n"] == count,
          f"guest {source.name}: {found['lost']} of {count} datagrams of {size} B to {target} lost")


def expect_talk(source, target, count=200):
    expect_ping(source, target)
    expect_udp(source, target, count)


def flood(source, target, target_mac):
    """Datagrams without end, also to an address that no longer answers."""
    source.expect(f"arp -s {target} {target_mac}; ln -sf /bin/qzping /tmp/flood; for i in 1 2 3; do "
                  f"/tmp/flood -n 1000000 -w 0 -t 2 -l 1000 {target} >/dev/null 2>&1 & done")


def stop_flood(source, target):
    source.expect(f"killall flood; arp -d {target}; true")


# -- the kernel log ---------------------------------------------------------------------------------------------------
# What loading any module says, and what KVM says of a guest kernel's probe for an MSR.
EXPECTED = ("out-of-tree module", "module verification failed", "Unhandled WRMSR")


def kernel_log(*options):
    return subprocess.run(["dmesg", *options], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()


class KernelLog:
    """Notices what is new since the last look."""

    def __init__(self):
        self.all, self.loud = len(kernel_log()), len(self.read_loud())

    @staticmethod
    def read_loud():
        return kernel_log("--level", "emerg,alert,crit,err,warn")

    def look(self):
        """Fail on a splat or a complaint about what is tested; show other complaints."""
        everything, loud = kernel_log(), self.read_loud()
        fresh, complaints = everything[self.all:], loud[self.loud:]
        self.all, self.loud = len(everything), len(loud)
        splats = verdict.splats("\n".join(fresh))
        check(not splats, f"kernel log: {splats[0][0] if splats else ''}")
        complaints = [line for line in complaints if not any(words in line for words in EXPECTED)]
        for line in complaints:
            say(f"kernel: {line}")
        ours = [line for line in complaints if any(word in line for word in ("queztl", "vdpa", "vhost"))]
        check(not ours, f"kernel log: {ours[0] if ours else ''}")
