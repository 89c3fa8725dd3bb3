#!/usr/bin/env python3
"""Messages between two processes of this machine: over a channel, and over what else there is (native/). Run by ./bench.

Each row has a baseline and is measured in pairs of turns, the baseline's and ours, that follow one another at once; all rows
take turns, again and again. A turn lasts some milliseconds and has many samples; its figure is their median. The row's figure
is the median of its turns, and the ratio the median of the pairs' ratios, with the 95 % confidence interval of that.

How far the two CPUs are from one another may change while we measure, if this machine is a virtual one: two of its CPUs may
share a cache now, and not a second later. So each pair has the round trip of the bare counters beside it, and there are
ratios for near and for far CPUs, if there were both. A pair in which the distance changed is not used, but counted.
"""
import argparse
import collections
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QZ_BUILD", TOP / "build"))
SHORT, LARGE = 65536, 1048576               # regions of a channel
RING, BURST = 1024, 32
NEAR = 250                                  # ns: a shorter round trip of bare counters is one inside a cache
CHUNK = 2048                                # of native.h: samples are means of so many messages
Row = collections.namedtuple("Row", "name baseline turn own bar")


def stream(side, length, burst, room, chunks=50):
    return f"stream {side} {chunks * CHUNK} {length} {burst} {room}"


def streams():
    """Each with one message at a time and with bursts of 32."""
    for burst, end in ((1, ""), (BURST, "_bulk")):
        small, ours = stream("qhp", 64, burst, SHORT), f"channel_native_mops"
        yield Row(f"{ours}{end}", "rte_ring, elements copied", stream("ring_copy", 64, burst, RING), small, 1)
        yield Row(f"{ours}_buffers{end}", "rte_ring of pointers to buffers", stream("ring_buffers", 64, burst, RING), small, 1)
        yield Row(f"{ours}_place{end}", "rte_ring, elements in place", stream("ring_place", 64, burst, RING), small, 1)
        yield Row(f"{ours}8{end}", "rte_ring of pointers", stream("ring", 8, burst, RING), stream("qhp", 8, burst, SHORT), 1)
        yield Row(f"{ours}_memif{end}", "memif", stream("memif", 64, burst, RING), small, 2)
        yield Row(f"{ours}1500{end}", "rte_ring of pointers to buffers", stream("ring_buffers", 1500, burst, RING, 12),
                  stream("qhp", 1500, burst, LARGE, 12), 1)
        yield Row(f"{ours}1500_memif{end}", "memif", stream("memif", 1500, burst, RING, 12),
                  stream("qhp", 1500, burst, LARGE, 12), 2)
        yield Row(f"{ours}_wake{end}", "a channel that asks for sleepers", stream("qhp_wake", 64, burst, SHORT), small, None)


PROBE = "rtt atomics 3200 8 1 0"
ROWS = [Row("channel_native_rtt64", "two counters", "rtt atomics 32000 8 1 0", f"rtt qhp 32000 64 1 {SHORT}", 1 / 1.3),
        *streams()]


class Pair:
    """The two processes."""

    def __init__(self, options):
        self.pause = options.pause / 1000
        self.process = subprocess.Popen([BUILD / "selftests/bench_native"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def turn(self, words):
        """Samples in ns."""
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"channel_native: '{words}': the program ends with {self.process.wait()}")
        return json.loads(line)["samples"]

    def distance(self):
        return statistics.median(self.turn(PROBE))

    def measure(self, row):
        """The baseline's samples, ours, and the distance; None if that changed."""
        before = self.distance()
        samples = self.turn(row.turn), self.turn(row.own)
        after = self.distance()
        time.sleep(self.pause)
        return (*samples, before) if (before < NEAR) == (after < NEAR) else None


def at(values, part):
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


def interval(values, draws=2000):
    """Of the median, with 95 % confidence, by resampling."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return [round(at(medians, part), 3) for part in (.025, .975)]


def compare(pairs):
    """Ratio of times, above 1 is better; pairs of turns' medians."""
    ratios = [base / own for base, own in pairs]
    base, own = (statistics.median(values) for values in zip(*pairs))
    return {"ns": round(own, 2), "baseline_ns": round(base, 2), "ratio": round(statistics.median(ratios), 3),
            "interval": interval(ratios), "least": round(min(ratios), 3), "most": round(max(ratios), 3), "turns": len(pairs)}


def summary(row, turns, lost):
    pairs = [(statistics.median(base), statistics.median(own)) for base, own, _ in turns]
    whole = compare(pairs)
    near = {name: compare(some) for name, some in
            (("near", [pair for pair, turn in zip(pairs, turns) if turn[2] < NEAR]),
             ("far", [pair for pair, turn in zip(pairs, turns) if turn[2] >= NEAR])) if some}
    pool = [sample for _, own, _ in turns for sample in own]
    rate = row.own.startswith("stream")
    value = (lambda ns: round(1e9 / ns)) if rate else (lambda ns: round(ns, 1))
    return {"name": row.name, "value": value(whole["ns"]), "unit": "1/s" if rate else "ns", "baseline_name": row.baseline,
            "baseline": value(whole["baseline_ns"]), "ratio": whole["ratio"], "interval": whole["interval"],
            "n": len(pool), "p50": at(pool, .5), "p99": at(pool, .99), "mean": round(statistics.mean(pool), 2),
            "bar": row.bar and f"ratio >= {row.bar:.2f}", "met": row.bar and whole["ratio"] >= round(row.bar, 2),
            "turns": len(turns), "turns_not_used": lost, "distance": near, "turn": row.turn, "own": row.own}


def show(row):
    for name, one in row["distance"].items():
        print(f"{row['name']:<38}{name:<6}{one['baseline_ns']:>9.1f}{one['ns']:>9.1f}{one['ratio']:>8.2f}"
              f"  {one['interval'][0]:.2f}..{one['interval'][1]:.2f}  {one['turns']:>3}  {row['baseline_name']}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30, help="pairs of turns of each row")
    parser.add_argument("--pause", type=int, default=20, help="ms after each pair, for other programs of this machine")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("-o", "--out", type=pathlib.Path, default=BUILD / "bench/channel_native")
    return parser.parse_args()


def conditions(options, distances):
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), None)
    dpdk = subprocess.run(["pkg-config", "--modversion", "libdpdk"], text=True, stdout=subprocess.PIPE).stdout.strip()
    return {"turns": options.turns, "cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "dpdk": dpdk,
            "load": os.getloadavg()[0], "distance_ns": {"least": min(distances), "median": statistics.median(distances),
                                                        "most": max(distances)},
            "event": "rtt: mean of 32 round trips; mops: mean of 2048 messages at the receiver; CLOCK_MONOTONIC"}


def main():
    options = parse()
    rows = [row for row in ROWS if options.only in row.name]
    turns, lost, pair = {row.name: [] for row in rows}, collections.Counter(), Pair(options)
    for row in rows:
        pair.measure(row)                   # which has nothing in a cache, and starts memif
    for _ in range(options.turns):
        for row in rows:
            found = pair.measure(row)
            if found:
                turns[row.name].append(found)
            lost[row.name] += not found
    print(f"{'':<38}{'CPUs':<6}{'baseline':>9}{'ns':>9}{'times':>8}  {'95 %':<10}  pairs")
    summaries = [summary(row, turns[row.name], lost[row.name]) for row in rows if turns[row.name]]
    for one in summaries:
        show(one)
    for one in summaries:
        if one["met"] is False:
            print(f"not met: {one['name']}: {one['bar']}, is {one['ratio']:.2f}")
    distances = [distance for found in turns.values() for _, _, distance in found]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "channel_native.json").write_text(
        json.dumps({"conditions": conditions(options, distances), "rows": summaries}, indent=1) + "\n")
    if len(summaries) < len(rows):
        raise SystemExit(f"channel_native: no pair of turns at one distance: {[r.name for r in rows if not turns[r.name]]}")


if __name__ == "__main__":
    main()
