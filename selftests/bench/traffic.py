#!/usr/bin/env python3
"""Throughput and TCP round trips between two guests over several paths, side by side in one boot: see ./measure.

    tcp_stream   iperf3, one TCP stream from guest 1 to guest 2, its slow start left out: bits per second received
    rtt_tcp1     ping-pong of 1 byte over TCP: ns
    pps64        pktgen in guest 1 (60 bytes, and on a wire 4 of checksum): packets per second that guest 2 received
                 while guest 1 sent

The paths take turns; each turn also counts VM exits, interrupts and L1's context switches.
"""
import argparse
import json
import os
import pathlib
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crowd
import trace                    # crowd knows where it is


def received(guest, device, what="packets"):
    return int(guest.expect(f"cat /sys/class/net/{device}/statistics/rx_{what}"))


class Stream:
    name, unit, better = "tcp_stream", "bit/s", "more"
    slow_start = 4      # seconds; through the bridge it takes that long here

    def prepare(self, guests):
        guests[1].expect("iperf3 -s -D")

    def turn(self, guests, index, options):
        gets = crowd.device(guests[1], index, 2)
        before = received(guests[1], gets, "bytes")
        text = guests[0].expect(f"iperf3 -J -c {crowd.address(index, 2)} -O {self.slow_start} -t {options.seconds}",
                                60 + 4 * options.seconds)
        end = json.loads(text)["end"]
        sender, cpu = end["streams"][0]["sender"], end["cpu_utilization_percent"]
        megabytes = (received(guests[1], gets, "bytes") - before) / 1e6     # its slow start as well
        return [end["sum_received"]["bits_per_second"]], {"units": megabytes,
            "retransmits": end["sum_sent"]["retransmits"], "bytes": end["sum_received"]["bytes"],
            "cwnd": sender["max_snd_cwnd"], "rtt_us": sender["mean_rtt"],
            "cpu": round(cpu["host_total"], 1), "peer_cpu": round(cpu["remote_total"], 1)}


class TcpPing:
    name, unit, better = "rtt_tcp1", "ns", "less"
    warmup = 50

    def prepare(self, guests):
        guests[1].expect("qzping -s -T -p 7008 >/dev/null 2>&1 &")

    def turn(self, guests, index, options):
        text = guests[0].expect(f"qzping -T -p 7008 -r -l 1 -n {options.n} -w {self.warmup} {crowd.address(index, 2)}",
                                60 + options.n)
        found = json.loads(text)
        return found["samples"], {"lost": found["lost"], "units": options.n + self.warmup}


class Packets:
    name, unit, better = "pps64", "1/s", "more"

    def prepare(self, guests):
        for guest in guests:
            guest.expect("ls /proc/net/pktgen/kpktgend_0")

    def turn(self, guests, index, options):
        gets = crowd.device(guests[1], index, 2)
        before = received(guests[1], gets)
        text = guests[0].expect(crowd.packets(guests[0], index, 1, 2, options.packets, options.burst), 300)
        in_time = received(guests[1], gets) - before
        micros = int(re.search(r"Result: OK: (\d+)\(", text)[1])
        time.sleep(0.5)                 # what is under way arrives, and does not count
        got = received(guests[1], gets) - before
        return [in_time * 1e6 / micros], {"sent": options.packets, "received": got, "in_time": in_time, "units": got}


KINDS = {kind.name: kind for kind in (Stream, TcpPing, Packets)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seconds", type=int, default=8, help="of a TCP stream")
    parser.add_argument("-n", type=int, default=400, help="round trips per turn")
    parser.add_argument("--packets", type=int, default=60000, help="per turn")
    parser.add_argument("--trace", action="store_true", help="also trace KVM, in one more turn of each path")
    parser.add_argument("--burst", type=int, default=8, help="packets pktgen sends with one kick")
    return parser.parse_args()


def mark(options, word, kind, path, more=None):
    """For whoever looks at this host from outside."""
    if options.marks:
        print(f"@{word} {kind.name} {path} {json.dumps(more)}", flush=True)
        time.sleep(0.5)                 # it takes a moment to read this and to look


def measure(kind, lab):
    """Turns of every path; per path the pooled samples, what each turn said, and what happened meanwhile."""
    pools = {index: {"samples": [], "turns": [], "counts": {}, "seconds": 0.} for index, _ in lab.paths}
    for index, path in lab.turns():
        mark(lab.options, "begin", kind, f"{path}.{index}")
        pool, before, started = pools[index], crowd.counters(lab.guests), time.monotonic()
        samples, more = kind.turn(lab.guests, index, lab.options)
        mark(lab.options, "end", kind, f"{path}.{index}", more)
        pool["seconds"] += time.monotonic() - started
        crowd.add_counts(pool["counts"], before, lab.guests)
        pool["samples"] += samples
        pool["turns"].append({"mean": sum(samples) / len(samples), **more})
        print(f"# {kind.name} {path}: {pool['turns'][-1]['mean']:.4g} {kind.unit} {more}", flush=True)
    return {f"{path}.{index}": summary(pools[index]) for index, path in lab.paths}


def trace_turns(kind, lab):
    """KVM's events per unit of what was done; in turns of their own, which tracing slows down."""
    for index, path in lab.paths:
        with trace.recording() as counts:
            _, more = kind.turn(lab.guests, index, lab.options)
        print(f"\n{path}.{index}: KVM events per unit of {kind.name}, both guests; {more}")
        for name, value in counts.most_common(16):
            print(f"  {value / more['units']:8.2f}  {name}", flush=True)


def summary(pool):
    samples = sorted(pool["samples"])
    return {"n": len(samples), "mean": sum(samples) / len(samples), "p50": crowd.at(samples, .5),
            "p99": crowd.at(samples, .99), "turns": pool["turns"], "seconds": round(pool["seconds"], 2),
            "per_second": {name: round(value / pool["seconds"], 1) for name, value in pool["counts"].items()}}


def show(kind, rows):
    print(f"\n{kind.name}, {kind.unit} ({kind.better} is better)")
    print(f"{'path':<12}{'n':>6}{'mean':>12}{'p50':>12}{'p99':>12}{'exits/s':>10}{'switches/s':>11}")
    for path, row in rows.items():
        print(f"{path:<12}{row['n']:>6}{row['mean']:>12.4g}{row['p50']:>12.4g}{row['p99']:>12.4g}"
              f"{row['per_second']['exits']:>10.0f}{row['per_second']['switches']:>11.0f}", flush=True)


def run(kinds, lab, output, traced=False):
    """Each kind of traffic in turn; what was found is kept after each."""
    found = {"conditions": crowd.conditions(lab.options), "kinds": {}}
    for kind in kinds:
        kind.prepare(lab.guests)
        rows = measure(kind, lab)
        show(kind, rows)
        if traced:
            trace_turns(kind, lab)
        found["kinds"][kind.name] = {"unit": kind.unit, "better": kind.better, "paths": rows}
        pathlib.Path(os.environ["QZ_OUT"], output).write_text(json.dumps(found, indent=1) + "\n")


def main():
    lab = crowd.Crowd(parse(), tools=True)
    lab.start()
    if lab.options.marks:
        pathlib.Path(os.environ["QZ_OUT"], "kallsyms").write_bytes(pathlib.Path("/proc/kallsyms").read_bytes())
    run([KINDS[name]() for name in lab.options.kinds.split(",")], lab, "traffic.json", lab.options.trace)
    lab.stop()


if __name__ == "__main__":
    main()
