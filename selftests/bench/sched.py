#!/usr/bin/env python3
"""The same scenarios (sched/sim/scenarios) under the kernel's scheduler and under Queztl's, in turns: runs in L1, see ./bench.

Threads stand for vCPUs, a cgroup for each VM. One CPU: shares, round trips, wake-ups. Four: VMs of 1, 2, 4 and 8 vCPUs,
and a limit. Every other turn is the kernel's, the first and the last too; the figures of its turns are averaged.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
SRC = pathlib.Path(os.environ["QZ_SRC"])
BUILD = pathlib.Path(os.environ.get("QZ_BUILD", SRC / "build"))
QUEZTL, SIM = BUILD / "userspace/queztl", BUILD / "sim/qzsim"
SCENARIOS = SRC / "sched/sim/scenarios"
MODES = pathlib.Path("/sys/kernel/debug/sched/cgroup_mode")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="of each scenario, after one that does not count")
    parser.add_argument("--seeds", type=int, default=1, help="so many turns of Queztl")
    parser.add_argument("--only", default="", help="rows whose name has this")
    return parser.parse_args()


def run(scenario, seed, options, **variables):
    """The scenario's VMs by name."""
    words = [f"-D{name}={value}" for name, value in variables.items()]
    said = subprocess.run([SIM, "-s", "real", "-j", "-d", str(options.seconds), "-r", str(seed), *words,
                           SCENARIOS / f"{scenario}.sim"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return {row["vm"]: row for row in map(json.loads, said.splitlines())}


def queztl(*words):
    subprocess.run([QUEZTL, "sched", *words], check=True, stdout=subprocess.DEVNULL)


def turns(scenario, options, **variables):
    """What the kernel's scheduler gives, and what Queztl's: a list each."""
    stock, ours = [run(scenario, 0, options, **variables)], []
    for seed in range(options.seeds):
        queztl("start")
        try:
            ours.append(run(scenario, seed, options, **variables))
        finally:
            queztl("stop")
        stock.append(run(scenario, seed, options, **variables))
    return stock, ours


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def worst_error(vms):
    """The largest difference between a VM's share and what its weight is due."""
    used, weights = sum(vm["cpus"] for vm in vms.values()), sum(vm["weight"] for vm in vms.values())
    return max(abs(vm["cpus"] / used / (vm["weight"] / weights) - 1) for vm in vms.values())


def jain(vms):
    shares = [vm["cpus"] / vm["weight"] for vm in vms.values()]
    return sum(shares) ** 2 / len(shares) / sum(share ** 2 for share in shares)


def value_of(name, vm="a"):
    return lambda vms: vms[vm][name]


# Row, scenario and its variables, quantity, unit, is less better, what is asked (of the value, or of the ratio).
ONE = [
    ("sched_share_1cpu", "weights", {"cpus": 1, "vcpus": 1}, worst_error, "1", True, "value <= 0.02"),
    *((f"sched_rtt_closed_{hogs}", "closed", {"hogs": hogs}, value_of("mean"), "ns", True, f"ratio >= {least}")
      for hogs, least in ((1, 1.25), (2, 1.35), (4, 1.5))),
    ("sched_rtt_closed_p99", "closed", {"hogs": 4}, value_of("p99"), "ns", True, "ratio >= 2"),
    *((f"sched_rtt_paced_{hogs}", "paced", {"hogs": hogs}, value_of("mean"), "ns", True, "") for hogs in (2, 4)),
    ("sched_rtt_paced_p99", "paced", {"hogs": 2}, value_of("p99"), "ns", True, ""),
    ("sched_wake_p99", "paced", {"hogs": 2}, value_of("wake_p99"), "ns", True, "ratio >= 3"),
]
FOUR = [
    ("sched_share_smp", "smp", {}, worst_error, "1", True, "value <= 0.05"),
    ("sched_share_smp_jain", "smp", {}, jain, "1", False, "value >= 0.99"),
    ("sched_cap", "limit", {}, value_of("cpus", "limited"), "CPUs", False, "0.48 <= value <= 0.52"),
    ("sched_cap_stall", "limit", {}, value_of("longest_wait", "limited"), "ns", True, "value <= 12e6"),
    ("sched_cap_stall_io", "limit", {}, value_of("longest_wait_io", "limited"), "ns", True, ""),
]


def rows(options):
    known = {}
    for name, scenario, variables, quantity, unit, less, wanted in ONE if os.cpu_count() < 4 else FOUR:
        if options.only not in name:
            continue
        key = (scenario, *variables.items())
        if key not in known:
            known[key] = turns(scenario, options, **variables)
        stock, ours = (mean(map(quantity, vms)) for vms in known[key])
        good, bad = (stock, ours) if less else (ours, stock)
        ratio = round(good / bad, 3) if bad else None
        met = eval(wanted, {"value": ours, "ratio": ratio or 0}) if wanted else None  # pylint: disable=eval-used
        yield {"name": name, "value": ours, "unit": unit, "baseline_name": "kernel", "baseline": stock, "ratio": ratio,
               "n": sum(vms["a"]["n"] for vms in known[key][1]) if "a" in known[key][1][0] else options.seeds,
               "p50": None, "p99": None, "bar": wanted or None, "met": met}


def show(row):
    scale, unit = (1e3, "us") if row["unit"] == "ns" else (1, row["unit"])
    met = {True: "met", False: "not met", None: ""}[row["met"]]
    print(f"{row['name']:<24}{row['baseline'] / scale:>10.3f}{row['value'] / scale:>10.3f} {unit:<5}"
          f"{row['ratio'] or 0:>7.2f}  {row['bar'] or '':<22}{met}", flush=True)


def main():
    options = parse()
    subprocess.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"], check=False, stderr=subprocess.DEVNULL)
    conditions = {**vars(options), **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")},
                  "kernel": os.uname().release, "tier": json.loads(subprocess.run(
                      [QUEZTL, "sched", "status", "--json"], check=True, stdout=subprocess.PIPE).stdout)["available"],
                  "cgroup_mode": MODES.read_text().strip() if MODES.exists() else None}
    found = {"conditions": conditions, "rows": []}
    print(f"{'':<24}{'kernel':>10}{'queztl':>10}{'':<6}{'ratio':>7}  bar")
    for row in rows(options):
        show(row)
        found["rows"].append(row)
    pathlib.Path(os.environ["QZ_OUT"], "sched.json").write_text(json.dumps(found, indent=1))


main()
