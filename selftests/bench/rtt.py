#!/usr/bin/env python3
"""Round-trip time between two guests over several paths, side by side in one boot. Runs inside L1 (see ./rtt).

Two guests have one NIC per path. The paths take turns (A/B/A/B): a machine that speeds up or slows down does so for
both. Each turn counts VM exits, halts, interrupts, emulated instructions and context switches; samples are pooled.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.environ["QZ_SRC"] + "/selftests/lab/l1"]

import paths
import trace
import vm

COUNTERS = {"exits": "exits", "halts": "halt_exits", "interrupts": "irq_injections", "emulated": "insn_emulation",
            "windows": "irq_window_exits"}


# -- measuring ------------------------------------------------------------------------------------------------------
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


def ping(client, index, options, count):
    text = client.expect(f"qzping -r -n {count} -w {options.warmup} -l {options.size} {paths.address(index, 2)}",
                         seconds=60 + count)
    return json.loads(text)


def measure_turn(guests, index, options, pool):
    before = counters(guests)
    result = ping(guests[0], index, options, options.n)
    trips = options.n + options.warmup
    delta = vm.difference(before, counters(guests))
    pool["samples"] += result["samples"]
    pool["lost"] += result["lost"]
    pool["trips"] += trips
    pool["turns"].append(result["mean"])
    for name, value in delta.items():
        pool["counts"][name] = pool["counts"].get(name, 0) + value


def trace_path(guests, index, options):
    """Exit reasons and emulated instructions per round trip, in a run of its own: tracing slows everything down."""
    with trace.recording() as counts:
        ping(guests[0], index, options, options.trace)
    trips = options.trace + options.warmup
    return {name: round(value / trips, 3) for name, value in counts.most_common() if value / trips >= 0.02}


def summary(pool):
    samples = sorted(pool["samples"])

    def at(share):
        return samples[min(int(share * len(samples)), len(samples) - 1)]

    return {"n": len(samples), "lost": pool["lost"], "mean": sum(samples) / len(samples), "min": samples[0],
            "p50": at(.5), "p90": at(.9), "p99": at(.99), "p999": at(.999), "max": samples[-1],
            "turns_mean": pool["turns"],
            "per_trip": {name: round(value / pool["trips"], 2) for name, value in pool["counts"].items()}}


def print_table(results):
    names = ["switches", *COUNTERS]
    print(f"{'path':<12}{'n':>6}{'lost':>5}{'mean ms':>9}{'p50':>7}{'p99':>7}{'p99.9':>7}" +
          "".join(f"{name:>11}" for name in names))
    for path, row in results.items():
        print(f"{path:<12}{row['n']:>6}{row['lost']:>5}{row['mean'] / 1e6:>9.3f}{row['p50'] / 1e6:>7.2f}"
              f"{row['p99'] / 1e6:>7.2f}{row['p999'] / 1e6:>7.2f}" +
              "".join(f"{row['per_trip'][name]:>11.2f}" for name in names), flush=True)


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--paths", default="bridge,fabric", help="comma-separated: bridge, fabric (repeats allowed)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-n", type=int, default=500, help="round trips per turn")
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--emulator", choices=["7", "10"], default="7", help="the guests' VMM")
    parser.add_argument("--guest", default="tiny", help="tiny or cloud")
    parser.add_argument("--machine", default="microvm")
    parser.add_argument("--cpu", default="host")
    parser.add_argument("--append", default="", help="more guest kernel command line")
    parser.add_argument("--device", default="", help="more virtio-net-pci properties, beginning with a comma")
    parser.add_argument("--label", default="", help="a word for these settings in the results")
    parser.add_argument("--trace", type=int, default=0, metavar="N", help="also trace KVM over N round trips per path")
    return parser.parse_args(argv)


class Lab:
    """Two guests with a NIC on each path."""

    def __init__(self, options):
        self.options = options
        self.paths = list(enumerate(options.paths.split(","), 1))
        nics = {index: paths.SETUP[path](index, options.device) for index, path in self.paths}
        self.guests = [vm.Guest(name, [nics[index][side] for index, _ in self.paths], machine=options.machine,
                                cpu=options.cpu, emulator=options.emulator, kernel=options.guest,
                                append=options.append) for side, name in enumerate("ab")]

    def start(self):
        vm.start_all(self.guests)
        self.guests[1].expect("qzping -s >/dev/null 2>&1 &")

    def measure(self, progress=lambda path, mean: None):
        pools = {index: {"samples": [], "lost": 0, "trips": 0, "turns": [], "counts": {}} for index, _ in self.paths}
        for _ in range(self.options.rounds):
            for index, path in self.paths:
                measure_turn(self.guests, index, self.options, pools[index])
                progress(path, pools[index]["turns"][-1])
        return {f"{path}.{index}": summary(pools[index]) for index, path in self.paths}

    def stop(self):
        for guest in self.guests:
            guest.stop()


def save(options, results):
    conditions = dict(vars(options))
    conditions.update({name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")})
    output = pathlib.Path(os.environ["QZ_OUT"], "rtt.json")
    output.write_text(json.dumps({"conditions": conditions, "paths": results}, indent=1) + "\n")


def main():
    options = parse()
    lab = Lab(options)
    lab.start()
    results = lab.measure()
    print_table(results)
    if options.trace:
        for index, path in lab.paths:
            found = trace_path(lab.guests, index, options)
            results[f"{path}.{index}"]["trace"] = found
            print(f"\n{path}.{index}: KVM events per round trip, both guests")
            for name, value in found.items():
                print(f"  {value:8.2f}  {name}")
    save(options, results)
    lab.stop()


if __name__ == "__main__":
    main()
