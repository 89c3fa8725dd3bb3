#!/usr/bin/env python3
"""A channel between two guests, beside their other ways to each other, in one boot. Runs inside L1 (see ./measure).

    rtt64         ping-pong of 64 bytes; who waits polls as long as that helps. Over UDP elsewhere
    rtt64_sleep   the same, and nobody polls: each message is a doorbell and an interrupt
    stream        messages of 64 KB; every byte is written in place and read in place. iperf3 elsewhere, which looks at none
    netdev_rtt, netdev_stream    over qhp0, a network device on a channel: UDP of 64 bytes, iperf3
    connect       from the call until the first byte of the peer's answer
    revoke        how long the call takes, while a stream uses all 256 pages of both regions

What is compared takes turns. --scheds kernel,queztl does all of it under each of them, on a kernel that has sched_ext.
"""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/guest")

import crowd
import image                    # of a guest that has the driver
import fabric                   # crowd knows where these are
import vm

BUILD = pathlib.Path(os.environ.get("QZ_BUILD", os.environ["QZ_SRC"] + "/build"))
QUEZTL = BUILD / "userspace/queztl"
SLOTS = 4
BOOT_SECONDS = 3 * vm.READY_SECONDS
CHANNEL, NET, REVOKED = "bench", "net", "revoked"
OWN = {1: "10.9.0.1", 2: "10.9.0.2"}                # of qhp0
PROGRAM = "/qhp/qhpping"
ATTRIBUTE = "/sys/bus/pci/drivers/qhp_guest/*:*/netdev"
QUEZTL_CHANNEL_REVOKE = ord("Y") << 8 | 0x66


def queztl(*words):
    return subprocess.run([QUEZTL, *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def say(text):
    print(text, flush=True)


# -- guests with a window ---------------------------------------------------------------------------------------------
def make_initrd(lab_initrd):
    tree = (vm.CACHE / "kernels" / f"cloud{'-arm64' if vm.ARM64 else ''}").resolve()
    release = next((tree / "lib/modules").iterdir()).name
    pathlib.Path("/run/image").mkdir()
    return image.make_initrd(lab_initrd, BUILD / "kmod-guest" / release / "qhp_guest.ko",
                             BUILD / "selftests/qhpping", "/run/image")


class Lab(crowd.Crowd):
    """Two guests with a NIC on each path and a window."""

    def __init__(self, options, tools=False):
        super().__init__(options, tools=tools)
        fabric.load()
        self.servers, self.initrd = [], None
        for guest in self.guests:
            self.give_window(guest)
        for name in (CHANNEL, NET, REVOKED):
            queztl("channel", "allow", name, "b", "a")

    def give_window(self, guest):
        path = f"/run/window-{guest.name}"
        self.servers.append(subprocess.Popen([QUEZTL, "window", "serve", guest.name, "--slots", str(SLOTS), "--socket", path],
                                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        while not os.path.exists(path):
            time.sleep(.02)
        if not self.initrd:
            self.initrd = make_initrd(pathlib.Path(guest.argv()[guest.argv().index("-initrd") + 1]))
        guest.initrd = self.initrd
        guest.extra += ["-chardev", f"socket,path={path},id=window",
                        "-device", f"ivshmem-doorbell,chardev=window,vectors={1 + SLOTS}"]

    def start(self):
        for guest in self.guests:           # one after the other: a stock kernel that boots takes a CPU
            guest.start().wait_ready(BOOT_SECONDS)
        a, b = self.guests
        for host, verb, guest in ((2, "listen", b), (1, "connect", a)):
            guest.expect("insmod /qhp/qhp_guest.ko")
            guest.expect(f"for file in {ATTRIBUTE}; do echo {verb} {NET} qhp0 >$file; done; "
                         f"ip address add {OWN[host]} peer {OWN[3 - host]} dev qhp0; ip link set qhp0 up")
        b.expect(f"{PROGRAM} listen {CHANNEL} >/tmp/listen 2>&1 &")
        a.expect(f"ping -c 1 -W 20 {OWN[2]}")

    def stop(self):
        super().stop()
        for server in self.servers:
            server.terminate()
            server.wait(30)

    def talk(self, *words, seconds=300):
        return json.loads(self.guests[0].expect(" ".join([PROGRAM, "connect", CHANNEL, *map(str, words)]), seconds))

    def udp(self, where):
        options = self.options
        return json.loads(self.guests[0].expect(f"qzping -r -l 64 -n {options.n} -w {options.warmup} {where}", 600))["samples"]

    def tcp(self, where):
        said = self.guests[0].expect(f"iperf3 -J -c {where} -O 2 -t {self.options.seconds}", 300)
        return [json.loads(said)["end"]["sum_received"]["bits_per_second"]]

    def ping(self, spin_ns, count):
        return self.talk("rtt", "-r", "-n", count, "-u", self.options.warmup, "-s", spin_ns)["samples"]

    def stream(self):
        """As many messages as take so many seconds."""
        count = 64
        while True:
            found = self.talk("stream", "-l", 0xff00, "-n", count, "-s", self.options.spin_us * 1000)
            if found["ns"] > self.options.seconds * 5e8:
                return [found["bits_per_second"]]
            count = max(2 * count, int(count * self.options.seconds * 1e9 / max(found["ns"], 1)))

    def revoke(self):
        """Both ends end: the channel is there, and the administrator takes it away."""
        a, b = self.guests
        b.expect(f"{PROGRAM} listen {REVOKED} >/tmp/revoked 2>&1 &")
        sender = a.post(f"{PROGRAM} connect {REVOKED} stream -l {0xff00} -n 1000000000 -s 0")
        while not (channel := connected(REVOKED)):
            time.sleep(.02)
        time.sleep(1)                               # until all pages have been used
        took = revoke(channel["id"])
        code, said = a.finish(sender, 60)
        if "abort" not in said:
            raise SystemExit(f"channel: the sender ends with {code} and says {said!r}")
        while connected(REVOKED):
            time.sleep(.02)
        return took


def connected(name):
    return next((channel for channel in json.loads(queztl("channel", "list", "--json"))
                 if channel["name"] == name and channel["connecter"]), None)


def revoke(number):
    """How long the call takes, ns."""
    argument = struct.pack("=IIQ", 16, 0, number)
    with open("/dev/queztl", "rb") as device:
        begun = time.monotonic_ns()
        fcntl.ioctl(device, QUEZTL_CHANNEL_REVOKE, argument)
        return time.monotonic_ns() - begun


# -- what is measured -------------------------------------------------------------------------------------------------
def kinds(options):
    """Name, unit, which is better, and the ways to do it; the first one is the channel."""
    spin = options.spin_us * 1000
    others = {path: crowd.address(index, 2) for index, path in enumerate(options.paths.split(","), 1)}

    def with_others(own, how):
        return {"channel": own, **{path: lambda lab, at=at: how(lab, at) for path, at in others.items()}}

    return {
        "rtt64": ("ns", "less", with_others(lambda lab: lab.ping(spin, options.n * 10), Lab.udp)),
        "rtt64_sleep": ("ns", "less", with_others(lambda lab: lab.ping(0, options.n), Lab.udp)),
        "stream": ("bit/s", "more", with_others(Lab.stream, Lab.tcp)),
        "netdev_rtt": ("ns", "less", with_others(lambda lab: lab.udp(OWN[2]), Lab.udp)),
        "netdev_stream": ("bit/s", "more", with_others(lambda lab: lab.tcp(OWN[2]), Lab.tcp)),
        "connect": ("ns", "less", {"channel": lambda lab: lab.talk("connect", "-r", "-n", 40)["samples"]}),
        "revoke": ("ns", "less", {"channel": lambda lab: [lab.revoke() for _ in range(5)]}),
    }


BARS = {("rtt64", "bridge"): 500, ("rtt64_sleep", "bridge"): 2, ("stream", "bridge"): 5, ("stream", "fabric"): 2,
        ("netdev_rtt", "fabric"): 1, ("netdev_stream", "fabric"): 1.5}


@contextlib.contextmanager
def scheduler(name):
    if name == "queztl":
        queztl("sched", "start")
    yield
    if name == "queztl":
        queztl("sched", "stop")


def measure(lab, name, ways):
    """Samples by scheduler and way, in turns."""
    pools = {(sched, way): [] for sched in lab.options.scheds.split(",") for way in ways}
    counts = {key: {} for key in pools}
    for _ in range(lab.options.rounds):
        for sched in lab.options.scheds.split(","):
            with scheduler(sched):
                for way, how in ways.items():
                    before, key = crowd.counters(lab.guests), (sched, way)
                    found = how(lab)
                    crowd.add_counts(counts[key], before, lab.guests)
                    pools[key] += found
                    say(f"# {name} {way} {sched}: {statistics.median(found):.4g} of {len(found)}")
    return {key: summary(pool, counts[key]) for key, pool in pools.items()}


def summary(pool, counts):
    samples = sorted(pool)
    return {"n": len(samples), "mean": statistics.mean(samples), "p50": statistics.median(samples),
            "p99": crowd.at(samples, .99), "max": samples[-1], "counts": counts}


def rows_of(name, unit, better, found, scheds):
    """One for each other way, by the median; or the channel alone."""
    for sched in scheds:
        end = "" if sched == "kernel" else f"_{sched}"
        own = found[sched, "channel"]
        others = [way for by, way in found if by == sched and way != "channel"] or [None]
        for way in others:
            base = found[sched, way]["p50"] if way else None
            ratio = base and (base / own["p50"] if better == "less" else own["p50"] / base)
            yield {"name": f"channel_{name}{end}" + (f"_{way}" if way else ""), "value": own["p50"], "unit": unit,
                   "baseline_name": way, "baseline": base, "ratio": ratio and round(ratio, 3), "bar": BARS.get((name, way)),
                   "n": own["n"], "p50": own["p50"], "p99": own["p99"], "mean": own["mean"], "counts": own["counts"],
                   "baseline_counts": way and found[sched, way]["counts"]}


def show(rows):
    say(f"\n{'':<36}{'channel':>12}{'the other':>12}{'times':>9}{'asked':>7}")
    for row in rows:
        base = f"{row['baseline']:>12.4g}{row['ratio']:>9.2f}" if row["ratio"] else f"{'':>21}"
        say(f"{row['name']:<36}{row['value']:>12.4g}{base}{row['bar'] or '':>7}  {row['unit']}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.set_defaults(guest="cloud", rounds=3)
    parser.add_argument("--kinds", default="", help="comma-separated; default: all")
    parser.add_argument("--scheds", default="kernel", help="kernel, or kernel,queztl")
    parser.add_argument("--spin-us", type=int, default=2000, help="how long one may poll who waits, at most")
    parser.add_argument("--seconds", type=int, default=6, help="of a stream")
    parser.add_argument("-n", type=int, default=300, help="round trips per turn")
    parser.add_argument("--warmup", type=int, default=50)
    return parser.parse_args()


def main():
    options = parse()
    lab = Lab(options, tools=True)
    lab.start()
    lab.guests[1].expect("qzping -s >/dev/null 2>&1 & iperf3 -s -D")
    rows = []
    for name, (unit, better, ways) in kinds(options).items():
        if options.kinds and name not in options.kinds.split(","):
            continue
        found = measure(lab, name, ways)
        rows += rows_of(name, unit, better, found, options.scheds.split(","))
        pathlib.Path(os.environ["QZ_OUT"], "channel.json").write_text(
            json.dumps({"conditions": {**crowd.conditions(options), "kernel": os.uname().release}, "rows": rows}, indent=1) + "\n")
    show(rows)
    lab.stop()


if __name__ == "__main__":
    main()
