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
TURNS = ["excess", "--paths", "fabric", "--guest", "cloud", "-n", "300"]
NAMES = {"kernel": "EEVDF", "queztl": "queztl"}
STARTED = time.monotonic()


def step(text):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def used(cgroups):
    """CPU time of these VMs, us."""
    return sum(int((group / "cpu.stat").read_text().split()[1]) for group in cgroups)


class Meter:
    """Which part of the CPU time of all VMs the pair had, by scheduler."""

    def __init__(self, lab):
        self.lab, self.parts = lab, {}
        self.pair = [guest.cgroup for guest in lab.guests]
        self.busy = [pathlib.Path(f"/sys/fs/cgroup/vm-hog{index}") for index in range(BUSY)]

    def ping(self, count):
        before = used(self.pair), used(self.busy)
        found = sides.ping(self.lab.guests, 1, count, 0)
        self.last = [now - then for now, then in zip((used(self.pair), used(self.busy)), before)]
        return found

    def note(self, turn, mean):
        sums = self.parts.setdefault(turn, [0, 0])
        self.parts[turn] = [total + more for total, more in zip(sums, self.last)]
        print(f"    {NAMES[turn]:<8} mean {mean / 1e6:.3f} ms", flush=True)

    def part(self, turn):
        return self.parts[turn][0] / sum(self.parts[turn])


def show(found, meter):
    print(f"\n  UDP 64 B round trips      {'n':>4} {'lost':>4}  {'mean':>7} {'p50':>7} {'p99':>7}  {'CPU of the pair':>15}")
    for turn, case in found.items():
        print(f"  under {NAMES[turn]:<18} {case['n']:>6} {case['lost']:>4}  {case['mean'] / 1e6:>7.3f} {case['p50'] / 1e6:>7.3f}"
              f" {case['p99'] / 1e6:>7.3f}  {meter.part(turn):>14.0%}")
    kernel, queztl = found["kernel"], found["queztl"]
    ratios = "".join(f" {kernel[at] / queztl[at]:>7.2f}" for at in ("mean", "p50", "p99"))
    print(f"  {'times better':<24} {'':>6} {'':>4} {ratios}\n  (ms; four VMs share one CPU, and two of them are due a half)")


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
        meter = Meter(lab)
        found = sides.turns(options, meter.ping, meter.note)
    show(found, meter)
    conditions = {**crowd.conditions(options), "kernel": os.uname().release}
    rows = [sides.row(f"demo_shared{name}", found["queztl"][at], found["kernel"][at], None, n=found["queztl"]["n"])
            for name, at in (("", "mean"), ("_p99", "p99"))]
    pathlib.Path(os.environ["QZ_OUT"], "shared.json").write_text(json.dumps({"conditions": conditions, "rows": rows}) + "\n")
    lab.stop()
    print()
    step("done")


main()
