#!/usr/bin/env python3
"""The demo's second table, inside L1: two VMs that talk over a fabric, beside two VMs that compute; the scheduler varies."""
import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/bench")

import crowd
import sched_guests as sides

BUSY = 2
TURNS = ["excess", "--paths", "fabric", "--guest", "cloud"]
NAMES = {"kernel": "EEVDF", "queztl": "queztl"}
STARTED = time.monotonic()


def step(text):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def used(cgroups):
    """CPU time of these VMs, us."""
    return sum(int((group / "cpu.stat").read_text().split()[1]) for group in cgroups)


class Case:
    """Round trips of one kind, and which part of the CPU time of all VMs the pair has meanwhile, by scheduler."""

    def __init__(self, name, pause, count):
        self.name, self.pause, self.count = name, pause, count
        self.pair, self.all = {turn: 0 for turn in NAMES}, {turn: 0 for turn in NAMES}

    def measure(self, lab, options):
        busy = [pathlib.Path(f"/sys/fs/cgroup/vm-hog{index}") for index in range(BUSY)]
        pair = [guest.cgroup for guest in lab.guests]
        spent = {}

        def work(count):
            before = used(pair), used(busy)
            found = sides.ping(lab.guests, 1, count, self.pause)
            spent["pair"], spent["busy"] = used(pair) - before[0], used(busy) - before[1]
            return found

        def note(turn, _):
            self.pair[turn] += spent["pair"]
            self.all[turn] += sum(spent.values())
            print(f"    {self.name:<16} {NAMES[turn]}", flush=True)

        options.n = self.count
        found = sides.turns(options, work, note)
        return {turn: {**case, **(case["due"] or {})} for turn, case in found.items()}

    def show(self, found):
        for turn, case in found.items():
            figures = "".join(f" {case[at] / 1e6:>7.3f}" for at in ("mean", "p50", "p99"))
            print(f"  {self.name:<16} {NAMES[turn]:<8}{case['n']:>5} {case['lost']:>4} {figures}"
                  f"  {self.pair[turn] / self.all[turn]:>6.0%}")
        ratios = "".join(f" {found['kernel'][at] / found['queztl'][at]:>7.2f}" for at in ("mean", "p50", "p99"))
        print(f"  {'':<16} {'times better':<18} {ratios}", flush=True)

    def rows(self, found):
        word = self.name.replace(" ", "_")
        return [sides.row(f"demo_shared_{word}{end}", found["queztl"][at], found["kernel"][at], None, n=found["queztl"]["n"])
                for end, at in (("", "mean"), ("_p99", "p99"))]


CASES = (Case("now and then", 50_000, 120), Case("all the time", 0, 300))


def main():
    sys.argv[1:1] = TURNS
    options = sides.parse()
    options.tier = json.loads(sides.queztl("status", "--json"))["available"]
    step(f"host: Linux {os.uname().release}, whose schedulers are EEVDF and, by sched_ext, queztl")
    lab = crowd.Crowd(options, mem="128M")
    lab.start()
    lab.guests[1].expect("qzping -s >/dev/null 2>&1 &")
    step(f"the same two VMs run; {BUSY} more that compute all the time begin")
    with sides.hogs(BUSY):
        found = [case.measure(lab, options) for case in CASES]
    print("\n  UDP 64 B round trips         n lost     mean     p50     p99  CPU of the pair")
    for case, figures in zip(CASES, found):
        case.show(figures)
    print("  (ms; now and then: each 50 ms, from when it is due; four VMs share one CPU)")
    rows = [row for case, figures in zip(CASES, found) for row in case.rows(figures)]
    conditions = {**crowd.conditions(options), "kernel": os.uname().release}
    pathlib.Path(os.environ["QZ_OUT"], "shared.json").write_text(json.dumps({"conditions": conditions, "rows": rows}) + "\n")
    lab.stop()
    print()
    step("done")


main()
