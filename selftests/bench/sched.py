#!/usr/bin/env python3
"""The same scenarios (sched/sim/scenarios) under the kernel's scheduler and under Queztl's, in turns: runs in L1, see ./bench.

Threads stand for vCPUs, a cgroup for each VM. Where a ratio is asked, every other turn is the base's, the first and the last
too; else the base has one turn. A figure is the mean of the turns of its side, +- what the true mean is within with 95 %
confidence, from the differences between turns; p50, p99 and n are of all turns' latencies together. Some rows have other
baselines as well: the kernel's scheduler in its mode smp, with slices of 0.1 ms, or with a period of 10 ms for cpu.max.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True

import sides

# Student's t for 95 %, by degrees of freedom from 1.
T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2, help="of a scenario with latencies; others take half of it")
    parser.add_argument("--seeds", type=int, default=3, help="so many turns of Queztl")
    parser.add_argument("--only", default="", help="rows whose name matches")
    parser.add_argument("--base", default="kernel", choices=[*sides.SIDES])
    parser.add_argument("--own", default="bpf", choices=[*sides.SIDES], help="native: loads queztl.ko for its turns")
    parser.add_argument("--label", default="", help="the end of the rows' names")
    return parser.parse_args()


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def confidence(values):
    """Half the width of the interval; None if one value says nothing about it."""
    n, middle = len(values), mean(values)
    if n < 2:
        return None
    deviation = (sum((value - middle) ** 2 for value in values) / (n - 1)) ** .5
    return T[min(n - 1, len(T)) - 1] * deviation / n ** .5


def at(values, part):
    """Nearest rank, as qzsim's."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)] if values else None


# -- quantities of a turn, from its VMs by name ------------------------------------------------------------------------
def errors(vms):
    """By VM, how much more than what its weight is due it had."""
    used, weights = sum(vm["cpus"] for vm in vms.values()), sum(vm["weight"] for vm in vms.values())
    return {name: vm["cpus"] / used / (vm["weight"] / weights) - 1 for name, vm in vms.items()}


def worst_error(vms):
    return max(map(abs, errors(vms).values()))


def jain(vms):
    shares = [vm["cpus"] / vm["weight"] for vm in vms.values()]
    return sum(shares) ** 2 / len(shares) / sum(share ** 2 for share in shares)


def gain(*names):
    """Of VMs of equal weights, together."""
    return lambda vms: mean(errors(vms)[name] for name in names)


def value_of(name, vm="a", part=1):
    return lambda vms: vms[vm][name] * part


def work(vms):
    return sum(vm["work"] for vm in vms.values())


def wrong_ready(name):
    """At worst, how far what VMs waited for a CPU is from what their threads saw: the kernel's count, or queztl top's."""
    return lambda vms: max(abs(vm[name] / vm["waited"] - 1) for vm in vms.values())


# -- rows --------------------------------------------------------------------------------------------------------------
# bar: what is asked of the value or of the ratio; samples: of VM "a"; beside: other baselines, with what is asked there.
Row = collections.namedtuple("Row", "name scenario variables quantity unit less bar samples beside",
                             defaults=(True, "", None, ()))
SMP = (("smp", ""),)
OTHERS = (("smp", ""), ("slices", ""))
ADVERSARIES = (("hopping", ("hopper",)), ("dodging", ("dodger",)), ("yielding", ("yielder",)), ("farming", ("farmer",)),
               ("crowd", ("crowd",)), ("colluding", ("one", "two")))
ONE = [
    Row("sched_share_1cpu", "weights", {"cpus": 1, "vcpus": 1}, worst_error, "1", True, "value <= 0.02", None, SMP),
    *(Row(f"sched_share_1cpu_{vms}", "equal", {"vms": vms}, worst_error, "1", True, "value <= 0.02") for vms in (2, 4)),
    *(Row(f"sched_rtt_closed_{hogs}", "closed", {"hogs": hogs}, value_of("mean"), "ns", True, f"ratio >= {least}",
          "latencies", OTHERS) for hogs, least in ((1, 1.25), (2, 1.35), (4, 1.5))),
    Row("sched_rtt_closed_p99", "closed", {"hogs": 4}, value_of("p99"), "ns", True, "ratio >= 2", "latencies", OTHERS),
    *(Row(f"sched_rtt_paced_{hogs}", "paced", {"hogs": hogs}, value_of("mean"), "ns", True, "", "latencies", OTHERS)
      for hogs in (2, 4)),
    Row("sched_rtt_paced_p99", "paced", {"hogs": 2}, value_of("p99"), "ns", True, "", "latencies", OTHERS),
    Row("sched_wake_p99", "paced", {"hogs": 2}, value_of("wake_p99"), "ns", True, "ratio >= 3", "wakes",
        (("smp", ""), ("slices", "ratio >= 1"))),
    *(Row(f"sched_adversary_{name}", name, {}, gain(*vms), "1", True, "value <= 0.02") for name, vms in ADVERSARIES),
    Row("sched_overhead", "busy", {"cpus": 1}, work, "1", False, "ratio >= 0.99"),
    Row("sched_overhead_wake", "pingpong", {}, value_of("mean", part=.5), "ns", True, "ratio >= 0.909"),
    Row("sched_ready", "ready", {}, wrong_ready("delayed"), "1", True, "value <= 0.01"),
    Row("sched_ready_top", "ready", {}, wrong_ready("top"), "1", True, "value <= 0.01"),
]
FOUR = [
    Row("sched_share_smp", "smp", {}, worst_error, "1", True, "value <= 0.05", None, SMP),
    Row("sched_share_smp_jain", "smp", {}, jain, "1", False, "value >= 0.99", None, SMP),
    Row("sched_cap", "limit", {}, value_of("cpus", "limited"), "CPUs", False, "0.48 <= value <= 0.52", None,
        (("period", ""),)),
    Row("sched_cap_stall", "limit", {}, value_of("longest_wait", "limited"), "ns", True, "value <= 12e6", None,
        (("period", ""),)),
    Row("sched_cap_stall_io", "limit", {}, value_of("longest_wait_io", "limited"), "ns", True, "value <= 0", None,
        (("period", ""),)),
    Row("sched_overhead_smp", "busy", {"cpus": 4}, work, "1", False, "ratio >= 0.99"),
]


class Turns:
    """What the scenarios gave, by side. A scenario that several rows need is run once."""

    def __init__(self, options, rows):
        self.options, self.known, self.beside = options, {}, collections.defaultdict(dict)
        self.absolute = {self.key(row) for row in rows} - {self.key(row) for row in rows if "value" not in row.bar}
        for row in rows:
            self.beside[self.key(row)].update((name, None) for name, _ in row.beside if sides.available(name))

    @staticmethod
    def key(row):
        return (row.scenario, *row.variables.items())

    def run(self, side, row, seed):
        seconds = self.options.seconds if row.samples else (self.options.seconds + 1) // 2
        if row.scenario == "ready":
            return sides.run_watched(side, row.scenario, 3, seed, seconds)
        return sides.run(side, row.scenario, seed, seconds, **row.variables)

    def order(self, key, seed):
        base, own, *others = self.options.base, self.options.own, *self.beside[key]
        if key in self.absolute:
            return [own] if seed else [base, own, *others]
        return [*([] if seed else [base]), own, base, *others]

    def of(self, row):
        key = self.key(row)
        if key not in self.known:
            turns = self.known[key] = collections.defaultdict(list)
            for seed in range(self.options.seeds):
                for side in self.order(key, seed):
                    turns[side].append(self.run(side, row, seed))
        return self.known[key]


def samples(row, turns):
    return [value for vms in turns for value in vms["a"][row.samples]] if row.samples else []


def beside_each(stock, count):
    """What the base gave before and after each turn; or in the turn that goes with it; or in its only one."""
    if len(stock) == count + 1:
        return [(before + after) / 2 for before, after in zip(stock, stock[1:])]
    return stock if len(stock) == count else stock[:1] * count


def judge(bar, value, ratio):
    return eval(bar, {"value": value, "ratio": ratio or 0}) if bar else None  # pylint: disable=eval-used


def compare(name, row, bar, ours, stock, conditions):
    """A row of results.json: lists of what each turn gave."""
    value, base = mean(ours), mean(stock)
    good, bad = (base, value) if row.less else (value, base)
    ratio = round(good / bad, 4) if good > 0 and bad > 0 else None
    pairs = list(zip(ours, beside_each(stock, len(ours))))
    ratios = [(b / o if row.less else o / b) for o, b in pairs if o > 0 and b > 0]
    return {"name": name, "value": value, "unit": row.unit, "ci": confidence(ours), **conditions, "baseline": base,
            "baseline_ci": confidence(stock), "ratio": ratio, "ratio_ci": confidence(ratios) if ratios else None,
            "turns": len(ours), "bar": bar or None, "met": judge(bar, value, ratio)}


def cpus(turns):
    """What each VM had."""
    return {name: round(mean(vms[name]["cpus"] for vms in turns), 4) for name in turns[0]}


def statistics(row, own, base):
    pooled, of_base = samples(row, own), samples(row, base)
    return {"n": len(pooled) or len(own), "p50": at(pooled, .5), "p99": at(pooled, .99),
            "baseline_p50": at(of_base, .5), "baseline_p99": at(of_base, .99), "cpus": cpus(own), "baseline_cpus": cpus(base)}


def rows_for(row, turns, options):
    """Against the base, and against the row's other baselines."""
    own = turns[options.own]
    ours = [row.quantity(vms) for vms in own]
    for side, bar in ((options.base, row.bar), *row.beside):
        if side not in turns:
            continue
        stock = [row.quantity(vms) for vms in turns[side]]
        name = row.name if side == options.base else f"{row.name}_{side}"
        yield {**compare(name, row, bar, ours, stock, {"baseline_name": side}), **statistics(row, own, turns[side])}


def worst_adversary(found):
    gains = [row for row in found if row["name"].startswith("sched_adversary_")]
    return [{**max(gains, key=lambda row: row["value"]), "name": "sched_adversary"}] if gains else []


# -- the table ---------------------------------------------------------------------------------------------------------
SCALES = {"ns": (1e-3, "us"), "1": (100, "%")}
PLAIN = ("_jain", "sched_overhead")         # not percentages


def digits(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def times(ratio):
    return "-" if ratio is None else f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"


def title(row, base):
    name, unit = row["name"].removeprefix("sched_"), row["unit"]
    if row["baseline_name"] != base:
        name = f"  against {row['baseline_name']}"
    scale, unit = (1, "") if any(word in row["name"] for word in PLAIN) and unit == "1" else SCALES.get(unit, (1, unit))
    return f"{name} {unit}", scale


def bar_words(bar, scale):
    """In a few characters: of the ratio, or of the value in the unit of the table."""
    what, *words = bar.split()
    if what == "ratio":
        return f"x{words[0]}{words[1]}"
    return f"{words[0]}{float(words[1]) * scale:g}" if what == "value" else f"{what}-{words[-1]}".replace("0.", ".")


def show(row, base):
    words, scale = title(row, base)
    cells = [None if row[name] is None else row[name] * scale for name in ("baseline", "value", "ci", "p50", "p99")]
    widths = (8, 8, 7, 7, 7)
    met = {True: "yes", False: "no", None: ""}[row["met"]]
    asked = bar_words(row["bar"], scale) if row["bar"] else ""
    print(f"{words:<20}" + "".join(f"{digits(cell):>{width}}" for cell, width in zip(cells, widths))
          + f"{row['n']:>6}{times(row['ratio']):>6}{asked:>8}{met:>4}", flush=True)


def head():
    print(f"{'':<20}{'base':>8}{'queztl':>8}{'+-':>7}{'p50':>7}{'p99':>7}{'n':>6}{'ratio':>6}{'asked':>8}{'met':>4}")


def conditions(options):
    status = json.loads(sides.queztl("sched", "status", "--json"))
    return {**vars(options), **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")},
            "kernel": os.uname().release, "tier": status["available"], "cgroup_mode": sides.mode()}


def main():
    options = parse()
    subprocess.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"], check=False, stderr=subprocess.DEVNULL)
    wanted = [row for row in (ONE if os.cpu_count() < 4 else FOUR) if re.search(options.only, row.name)]
    if options.base != "kernel":            # all that is asked is asked against that
        wanted = [row._replace(bar="", beside=()) for row in wanted]
    turns, found = Turns(options, wanted), []
    head()
    for row in wanted:
        for line in rows_for(row, turns.of(row), options):
            show(line, options.base)
            found.append(line)
    for line in worst_adversary(found):
        show(line, options.base)
        found.append(line)
    for line in found:
        line["name"] += options.label
    pathlib.Path(os.environ["QZ_OUT"], "sched.json").write_text(
        json.dumps({"conditions": conditions(options), "rows": found}, indent=1))


main()
