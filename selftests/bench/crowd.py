"""Guests with a NIC on each of the paths that are compared, and what is counted while they talk. Imported in L1."""
import os
import pathlib
import platform
import string
import subprocess
import sys

sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/lab/l1")

import fabric
import vm

# Of a VM in debugfs. Polled: halts that ended while KVM still polled.
COUNTERS = {"exits": "exits", "halts": "wfi_exit_stat", "polled": "halt_successful_poll", "mmio": "mmio_exit_kernel",
            "hypercalls": "hvc_exit_stat"} if platform.machine() == "aarch64" else \
           {"exits": "exits", "halts": "halt_exits", "interrupts": "irq_injections", "emulated": "insn_emulation",
            "windows": "irq_window_exits", "polled": "halt_successful_poll"}


def address(path_index, host):
    return f"10.0.{path_index}.{host}"


def mac(path_index, host):
    return f"52:54:00:00:{path_index:02x}:{host:02x}"


# -- paths: each makes the NICs of one path -------------------------------------------------------------------------
def setup_bridge(index, device, hosts):
    """vhost-net and a Linux bridge: the baseline."""
    subprocess.run(["modprobe", "-a", "tun", "vhost_net", "bridge"], check=True)
    bridge = vm.make_bridge(f"br{index}")
    return [vm.tap(mac(index, host), address(index, host) + "/24", vm.make_tap(f"tap{index}-{host}", bridge),
                   device=device) for host in hosts]


def setup_fabric(index, device, hosts):
    """Two ports of a fabric of queztl.ko."""
    fabric.load()
    fabric.add(f"bench{index}")
    return [vm.vdpa(mac(index, host), address(index, host) + "/24",
                    fabric.add_port(f"bench{index}", f"p{index}-{host}", mac(index, host)), device)
            for host in hosts]


def setup_vlan(index, device, hosts):
    """The same, with both ports in a VLAN: the switch pushes a tag and pops it."""
    nics = setup_fabric(index, device, hosts)
    for host in hosts:
        fabric.set_vlan(f"p{index}-{host}", 10)
    return nics


SETUP = {"bridge": setup_bridge, "fabric": setup_fabric, "vlan": setup_vlan}


# -- and a limit on what a guest may send there, packets per second; 0: none -------------------------------------------
def limit_bridge(index, host, packets):
    """What is over it is dropped where it comes in from the tap."""
    tap = f"tap{index}-{host}"
    subprocess.run(["tc", "qdisc", "del", "dev", tap, "ingress"], stderr=subprocess.DEVNULL, check=False)
    if packets:
        subprocess.run(["tc", "qdisc", "add", "dev", tap, "ingress"], check=True)
        subprocess.run(["tc", "filter", "add", "dev", tap, "ingress", "matchall", "action", "police",
                        "pkts_rate", str(packets), "pkts_burst", str(max(packets // 100, 1)), "conform-exceed", "drop"],
                       check=True)


def limit_fabric(index, host, packets):
    """What is over it waits in the guest's ring."""
    fabric.limit(f"p{index}-{host}", packets)


LIMIT = {"bridge": limit_bridge, "fabric": limit_fabric, "vlan": limit_fabric}


# -- options and guests ---------------------------------------------------------------------------------------------
def add_options(parser):
    parser.add_argument("--paths", default="bridge,fabric", help="comma-separated: bridge, fabric, vlan (repeats allowed)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--emulator", choices=["7", "10"], default="7", help="the guests' VMM")
    parser.add_argument("--guest", default="tiny", help="tiny or cloud")
    parser.add_argument("--machine", default="microvm")
    parser.add_argument("--cpu", default="host")
    parser.add_argument("--append", default="", help="more guest kernel command line")
    parser.add_argument("--busy-read", type=int, default=0, metavar="US",
                        help="sockets poll so long before they sleep")
    parser.add_argument("--device", default="", help="more virtio-net-pci properties, beginning with a comma")
    parser.add_argument("--label", default="", help="a word for these settings in the results")
    parser.add_argument("--one-cgroup", action="store_true", help="all VMs in one; else one for each, as with libvirt")
    parser.add_argument("--hog", action="store_true", help="a program of the host wants the CPU all the time")
    parser.add_argument("--marks", action="store_true", help="say where turns begin and end, and keep kallsyms")
    parser.add_argument("--row", default="", help="name of the results, without the path's")


def conditions(options):
    """What results were measured under: the options of the run, and the lab's."""
    return {**vars(options), **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}


class Crowd:
    """So many guests, hosts 1 and on, each with a NIC on every path."""

    def __init__(self, options, count=2, tools=False, mem="256M"):
        self.options, self.hog = options, None
        self.paths = list(enumerate(options.paths.split(","), 1))
        nics = {index: SETUP[path](index, options.device, range(1, count + 1)) for index, path in self.paths}
        self.guests = [vm.Guest(name, [nics[index][side] for index, _ in self.paths], machine=options.machine,
                                cpu=options.cpu, emulator=options.emulator, kernel=options.guest, tools=tools, mem=mem,
                                append=options.append,
                                cgroup=None if options.one_cgroup else vm.make_cgroup(f"vm-{name}"))
                       for side, name in enumerate(string.ascii_lowercase[:count])]

    def start(self):
        vm.start_all(self.guests)
        for guest in self.guests:
            guest.expect(f"for name in read poll; do echo {self.options.busy_read} >/proc/sys/net/core/busy_$name; done")

        if self.options.hog:
            self.hog = subprocess.Popen(["sh", "-c", "while :; do :; done"])

    def stop(self):
        if self.hog:
            self.hog.kill()
            self.hog.wait()
        for guest in self.guests:
            guest.stop()

    def turns(self):
        """The paths in turns, as often as there are rounds."""
        return [path for _ in range(self.options.rounds) for path in self.paths]


def device(guest, path_index, host):
    """Name of a guest's NIC on a path."""
    return guest.expect(f"basename $(dirname $(grep -l {mac(path_index, host)} /sys/class/net/*/address))").strip()


def packets(guest, path_index, sender, receiver, count, burst):
    """Set pktgen up. Return: the command that sends so many packets of 60 bytes (0: until it is stopped), and prints
    pktgen's result.

    They carry an MPLS label, for which no guest has a handler, and are clones of one another: the guests' own stacks,
    which nobody wants to measure, do as little as they can.
    """
    guest.expect("ls /proc/net/pktgen/kpktgend_0")             # Debian's kernel for clouds has none
    name = device(guest, path_index, sender)
    at = f"/proc/net/pktgen/{name}"
    words = [f"count {count}", "pkt_size 60", f"dst_mac {mac(path_index, receiver)}",
             f"dst {address(path_index, receiver)}", "udp_dst_min 9", "udp_dst_max 9", "mpls 00000140",
             "clone_skb 1000", f"burst {burst}"]
    guest.expect(f"echo rem_device_all >/proc/net/pktgen/kpktgend_0; echo add_device {name} >/proc/net/pktgen/kpktgend_0; "
                 + "; ".join(f"echo '{word}' >{at}" for word in words))
    return f"echo start >/proc/net/pktgen/pgctrl; cat {at}"


# -- counting -------------------------------------------------------------------------------------------------------
def context_switches():
    text = pathlib.Path("/proc/stat").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("ctxt")).split()[1])


def counters(guests):
    total = {"switches": context_switches()}
    for guest in guests:
        stats = guest.stats()
        for name, source in COUNTERS.items():
            total[name] = total.get(name, 0) + stats.get(source, 0)
    return total


def add_counts(counts, before, guests):
    """To `counts` what has happened since `before`."""
    for name, value in vm.difference(before, counters(guests)).items():
        counts[name] = counts.get(name, 0) + value


def at(samples, share):
    """A percentile of sorted samples."""
    return samples[min(int(share * len(samples)), len(samples) - 1)]
