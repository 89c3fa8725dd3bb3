#!/usr/bin/env python3
"""Round-trip time between two guests over several paths, side by side in one boot. Runs inside L1 (see ./measure).

Two guests have one NIC per path. The paths take turns (A/B/A/B): a machine that speeds up or slows down does so for
both. Each turn counts VM exits, halts, interrupts, emulated instructions and context switches; samples are pooled.
"""
import argparse
import json
import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crowd
import trace                    # crowd knows where it is


# -- measuring ------------------------------------------------------------------------------------------------------
def ping(client, index, options, count):
    text = client.expect(f"qzping -r -n {count} -w {options.warmup} -l {options.size} {crowd.address(index, 2)}",
                         seconds=60 + count)
    return json.loads(text)


def measure_turn(guests, index, options, pool):
    before = crowd.counters(guests)
    result = ping(guests[0], index, options, options.n)
    crowd.add_counts(pool["counts"], before, guests)
    pool["samples"] += result["samples"]
    pool["lost"] += result["lost"]
    pool["trips"] += options.n + options.warmup
    pool["turns"].append(result["mean"])


def measure(lab, progress=lambda path, mean: None):
    lab.guests[1].expect("qzping -s >/dev/null 2>&1 &")
    pools = {index: {"samples": [], "lost": 0, "trips": 0, "turns": [], "counts": {}} for index, _ in lab.paths}
    for index, path in lab.turns():
        measure_turn(lab.guests, index, lab.options, pools[index])
        progress(path, pools[index]["turns"][-1])
    return {f"{path}.{index}": summary(pools[index]) for index, path in lab.paths}


def trace_path(guests, index, options):
    """Exit reasons and emulated instructions per round trip, in a run of its own: tracing slows everything down."""
    with trace.recording() as counts:
        ping(guests[0], index, options, options.trace)
    trips = options.trace + options.warmup
    return {name: round(value / trips, 3) for name, value in counts.most_common() if value / trips >= 0.02}


def summary(pool):
    samples = sorted(pool["samples"])
    return {"n": len(samples), "lost": pool["lost"], "mean": sum(samples) / len(samples), "min": samples[0],
            "p50": crowd.at(samples, .5), "p90": crowd.at(samples, .9), "p99": crowd.at(samples, .99),
            "p999": crowd.at(samples, .999), "max": samples[-1], "turns_mean": pool["turns"],
            "per_trip": {name: round(value / pool["trips"], 2) for name, value in pool["counts"].items()}}


def print_table(results):
    names = ["switches", *crowd.COUNTERS]
    print(f"{'path':<12}{'n':>6}{'lost':>5}{'mean ms':>9}{'p50':>7}{'p99':>7}{'p99.9':>7}" +
          "".join(f"{name:>11}" for name in names))
    for path, row in results.items():
        print(f"{path:<12}{row['n']:>6}{row['lost']:>5}{row['mean'] / 1e6:>9.3f}{row['p50'] / 1e6:>7.2f}"
              f"{row['p99'] / 1e6:>7.2f}{row['p999'] / 1e6:>7.2f}" +
              "".join(f"{row['per_trip'][name]:>11.2f}" for name in names), flush=True)


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("-n", type=int, default=500, help="round trips per turn")
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--trace", type=int, default=0, metavar="N", help="also trace KVM over N round trips per path")
    return parser.parse_args(argv)


def save(options, results):
    output = pathlib.Path(os.environ["QZ_OUT"], "rtt.json")
    output.write_text(json.dumps({"conditions": crowd.conditions(options), "paths": results}, indent=1) + "\n")


def main():
    options = parse()
    lab = crowd.Crowd(options)
    lab.start()
    results = measure(lab)
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
