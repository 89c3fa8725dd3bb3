#!/usr/bin/env python3
"""Guests of two vCPUs that contend for locks of their own kernels, more vCPUs than CPUs: runs in L1, see ./bench.

A vCPU that is not running may hold the lock for which another spins. KVM notices that a vCPU spins and yields to another
one of its VM; whether that helps is the scheduler's business. Twice as many vCPUs as CPUs, and four times as many, under
the kernel's scheduler, Queztl's, the kernel's again, and so on. Each guest's threads take and release a lock all the time
(qzlock.c); what counts is how often all guests together did.

Turns differ much, because two vCPUs may fall into step or out of it. So there are several; the ratio has the half width of
its 95 % confidence interval beside it, each turn of Queztl's being compared with the mean of its two neighbours.
"""
import argparse
import json
import os
import pathlib
import statistics
import string
import sys

sys.dont_write_bytecode = True

import sched_guests as sides        # which knows where the others are
import fabric
import vm

KINDS = {"fd": "", "map": "-m "}
VCPUS = 2


def exits(guests):
    return sum(guest.stats().get("exits", 0) for guest in guests)


def turn(guests, kind, seconds):
    """Rounds per second of all, and what happened in one."""
    before, scheduler = exits(guests), sides.scheduler_counts(guests)
    tokens = [guest.post(f"qzlock {KINDS[kind]}-t {VCPUS} -s {seconds}") for guest in guests]
    found = [json.loads(guest.finish(token, 120 + 60 * seconds)[1]) for guest, token in zip(guests, tokens)]
    rounds = sum(one["rounds"] for one in found)
    counted = vm.difference(scheduler, sides.scheduler_counts(guests))
    return {"rounds": rounds / seconds, "least": min(one["rounds"] for one in found) * len(guests) / rounds,
            "longest": max(one["longest"] for one in found), "exits": (exits(guests) - before) / rounds,
            **{name: value / seconds for name, value in counted.items()}}


def interval(ours, kernel):
    """Half the width of the ratio's confidence interval; None: there is one turn only."""
    pairs = [2 * own / (before + after) for own, before, after in zip(ours, kernel, kernel[1:])]
    return 1.96 * statistics.stdev(pairs) / len(pairs) ** .5 if len(pairs) > 1 else None


def measure(guests, kind, options, times):
    turns = {}
    for name in sides.TURNS + sides.TURNS[1:] * (options.turns - 1):
        with sides.scheduler(name, options.tier):
            found = turn(guests, kind, options.seconds)
        turns.setdefault(name, []).append(found)
        print(f"# {kind:<4}{times}:1 {name:<7}" + "  ".join(f"{what} {value:.4g}" for what, value in found.items()), flush=True)
    ours, kernel = ([one["rounds"] for one in turns[name]] for name in ("queztl", "kernel"))
    value, baseline = statistics.mean(ours), statistics.mean(kernel)
    return {"name": f"sched_lhp_{kind}_{times}", "value": value, "unit": "1/s", "baseline_name": "kernel", "baseline": baseline,
            "ratio": round(value / baseline, 3), "interval": interval(ours, kernel), "n": options.turns,
            "bar": "ratio >= 0.98", "met": value >= .98 * baseline, "turns": turns}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=lambda text: [int(word) for word in text.split(",")], default=[2, 4],
                        help="so many vCPUs per CPU")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=[*KINDS])
    parser.add_argument("--guest", default="tiny", help="tiny or cloud")
    parser.add_argument("--seconds", type=int, default=3, help="of a turn")
    parser.add_argument("--turns", type=int, default=1, help="of Queztl's scheduler, in each case")
    parser.add_argument("--tier", choices=["native", "bpf"], help="home of Queztl's scheduler; else what there is")
    return parser.parse_args()


def main():
    options, cpus = parse(), os.cpu_count()
    fabric.load()
    options.tier = options.tier or json.loads(sides.queztl("status", "--json"))["available"]
    rows, guests = [], []
    for times in sorted(options.times):
        more = [vm.Guest(name, mem="128M", kernel=options.guest, cpus=VCPUS, cgroup=vm.make_cgroup(f"vm-{name}"))
                for name in string.ascii_lowercase[len(guests):times * cpus // VCPUS]]
        guests += vm.start_all(more)
        for kind in options.kinds:
            rows.append(measure(guests, kind, options, times))
            sides.show(rows[-1])
            if rows[-1]["interval"]:
                print(f"# {'':<26}ratio +- {rows[-1]['interval']:.2f}, n = {options.turns}", flush=True)
    for guest in guests:
        guest.stop()
    conditions = {**vars(options), "vcpus": VCPUS, "kernel": os.uname().release,
                  **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}
    pathlib.Path(os.environ["QZ_OUT"], "sched_locks.json").write_text(
        json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
