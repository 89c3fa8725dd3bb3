#!/usr/bin/env python3
"""Real guests under the kernel's scheduler and under Queztl's, in one boot: runs in L1, see ./bench.

Each case is measured under the kernel's, under Queztl's, and under the kernel's again; the two turns of the kernel's have
half of the round trips each, and are pooled. Two guests exchange UDP datagrams of 64 bytes, one at a time; each VM has a
cgroup.

    excess      over the fabric, with a pause before each round trip, beside 0, 1, 2, 4 and 8 VMs that compute. What
                comes on top of the figure without them is the excess: of the round trip, and (due) of the time from
                when the pause was to end, which includes the wake-up of the guest that asks.
    busypoll    in a loop, guests that poll, over the bridge and over the fabric
    attack      in a loop, while two more guests are idle, or one floods the other, on the same path

On x86 guests hang: of eight boots in virtual time, with a kernel of 7.3.4 or 6.12, one got to its end. In three a guest
was seen spinning for ever with interrupts off, twice at boot and so before Queztl's scheduler began. On ARM64 no boot was
lost. --tier bpf has not been run there.
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attack
import crowd
import vm                       # crowd knows where it is

QUEZTL = f"{os.environ['QZ_BUILD']}/userspace/queztl"
HOG = f"{os.environ['QZ_BUILD']}/selftests/tinyvm"
LOADER = f"{os.environ['QZ_BUILD']}/sched/queztl-sched"
MODE = pathlib.Path("/sys/kernel/debug/sched/cgroup_mode")
TURNS = ("kernel", "queztl", "kernel")
WARMUP = 20
SETTLE = 10     # seconds: guests that have just booted are still busy with themselves
COUNTS = {"exits": "exits", "halts": "halt_exits", "preempted": "preemption_other"}


# -- turns -----------------------------------------------------------------------------------------------------------
def queztl(*words):
    return subprocess.run([QUEZTL, "sched", *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def scheduler_counts(guests):
    """What Queztl's scheduler counted for these VMs; nothing while it is off."""
    pids = {guest.process.pid for guest in guests}
    rows = [row for row in json.loads(queztl("status", "--json"))["vms"] if row["pid"] in pids]
    return {name: sum(row[name] for row in rows) for name in ("preemptions", "yields", "messages")} if rows else {}


def counts(guests):
    stats = [guest.stats() for guest in guests]
    return {"switches": crowd.context_switches(),
            **{name: sum(one.get(source, 0) for one in stats) for name, source in COUNTS.items()},
            **scheduler_counts(guests)}


def start_bpf():
    """What queztl sched start does where there is no scheduler in the module."""
    loader = subprocess.Popen([LOADER, "-r", "1"], stdout=subprocess.PIPE, text=True)
    said = loader.stdout.readline()
    if not said.startswith("on"):
        raise RuntimeError(f"{LOADER}: {said}")


@contextlib.contextmanager
def scheduler(name, tier):
    if name == "queztl":
        start_bpf() if tier == "bpf" else queztl("start")
    try:
        yield
    finally:
        if name == "queztl":
            queztl("stop")


def figures(samples):
    samples = sorted(samples)
    return {"mean": sum(samples) / len(samples), "max": samples[-1],
            **{name: crowd.at(samples, share) for name, share in (("p50", .5), ("p90", .9), ("p99", .99))}}


class Pool:
    """The round trips of one case under one scheduler."""

    def __init__(self):
        self.samples, self.due, self.lost, self.trips, self.counts, self.turns = [], [], 0, 0, {}, []

    def add(self, found, happened):
        self.samples += found["samples"]
        self.due += found.get("due_samples", [])
        self.lost += found["lost"]
        self.trips += found["n"] + found["lost"] + WARMUP
        self.turns.append(found["mean"])
        for name, value in happened.items():
            self.counts[name] = self.counts.get(name, 0) + value

    def summary(self):
        return {"n": len(self.samples), "lost": self.lost, "turns_mean": self.turns, **figures(self.samples),
                "due": figures(self.due) if self.due else None, "samples": self.samples, "due_samples": self.due,
                "per_trip": {name: round(value / self.trips, 2) for name, value in self.counts.items()}}


def ping(guests, index, count, pause):
    before = counts(guests[:2])
    found = json.loads(guests[0].expect(
        f"qzping -r -l 64 -n {count} -w {WARMUP} -i {pause} {crowd.address(index, 2)}", 30 + count * (.1 + pause * 2e-6)))
    return found, vm.difference(before, counts(guests[:2]))


def in_turns(name, options, work):
    """{scheduler: summary} of one case; work gets the number of round trips."""
    found = turns(options, work)
    for turn, case in found.items():
        for what in (case, case["due"]) if case["due"] else (case,):
            print(f"# {name:<16}{turn:<7}{'due' if what is case['due'] else '':<4}{case['n']:>5}{case['lost']:>3}" +
                  "".join(f"{what[at] / 1e3:>9.1f}" for at in ("mean", "p50", "p99", "max")) + "  " +
                  " ".join(f"{key} {value}" for key, value in case["per_trip"].items() if what is case), flush=True)
    return found


def turns(options, work, progress=lambda turn, mean: None):
    pools = {turn: Pool() for turn in TURNS}
    for turn in TURNS:
        with scheduler(turn, options.tier):
            pools[turn].add(*work(options.n // TURNS.count(turn)))
        progress(turn, pools[turn].turns[-1])
    return {turn: pool.summary() for turn, pool in pools.items()}


# -- rows ------------------------------------------------------------------------------------------------------------
def row(name, value, baseline, least, unit="ns", baseline_name="kernel", **more):
    """Less is better; met: by so many times, at least."""
    return {"name": name, "value": value, "unit": unit, "baseline_name": baseline_name, "baseline": baseline,
            "ratio": round(baseline / value, 3) if value > 0 else None, "bar": f"ratio >= {least}" if least else None,
            "met": baseline >= least * value if least else None, **more}


@contextlib.contextmanager
def hogs(number):
    """VMs that run all the time: a vCPU in real mode that counts, and exits to its VMM for each step."""
    def enter(cgroup):
        return lambda: (cgroup / "cgroup.procs").write_text("0")

    running = [subprocess.Popen([HOG], stdout=subprocess.PIPE, preexec_fn=enter(vm.make_cgroup(f"vm-hog{index}")))
               for index in range(number)]
    for hog in running:
        hog.stdout.readline()
    yield
    for hog in running:
        hog.kill()
        hog.wait()


def excess(lab, options):
    cases = {}
    for number in (0, *options.hogs):
        with hogs(number):
            cases[number] = in_turns(f"beside {number}", options, lambda n: ping(lab.guests, 1, n, options.pause))
    return {f"beside {number}": case for number, case in cases.items()}, list(excess_rows(cases))


# Hogs: how many times less the excess is to be, of the mean and of the 99th percentile.
EXCESS = {2: (3, 2), 4: (None, 3), 8: (None, 3)}


def excess_rows(cases):
    for number in [number for number in cases if number]:
        measured, quiet = ({name: {"": case, "_due": case["due"]} for name, case in cases[which].items()}
                           for which in (number, 0))
        for what in ("", "_due"):
            for at, least in zip(("mean", "p99"), EXCESS.get(number, (None, None))):
                ours, stock = (measured[name][what][at] - quiet[name][what][at] for name in ("queztl", "kernel"))
                yield row(f"sched_rtt_excess{what}{'_p99' if at == 'p99' else ''}_{number}", ours, stock, least,
                          n=measured["queztl"][""]["n"], p50=measured["queztl"][what]["p50"],
                          p99=measured["queztl"][what]["p99"])


def busypoll(lab, options):
    cases = {path: in_turns(path, options, lambda n, index=index: ping(lab.guests, index, n, 0))
             for index, path in lab.paths}
    return cases, [over_bridge("sched_busypoll", cases["bridge"], cases["fabric"], 3),
                   over_bridge("sched_busypoll_kernel", cases["bridge"], cases["fabric"], None, "kernel")]


def over_bridge(name, bridge, fabric, least, ours="queztl"):
    measured = fabric[ours]
    return row(name, measured["mean"], bridge["kernel"]["mean"], least, baseline_name="bridge, kernel",
               n=measured["n"], p50=measured["p50"], p99=measured["p99"])


def attacked(lab, options):
    cases = {}
    for index, path in lab.paths:
        def quiet(count, index=index):
            return ping(lab.guests, index, count, 0)

        def flooded(count, index=index, path=path):
            with attack.flooding(lab.guests[2], index, path, options, 0):
                return ping(lab.guests, index, count, 0)

        for name, work in (("quiet", quiet), ("flooded", flooded)):
            cases[f"{path} {name}"] = in_turns(f"{path} {name}", options, work)
    longer = {turn: cases["fabric flooded"][turn]["p99"] / cases["fabric quiet"][turn]["p99"] for turn in TURNS}
    measured = cases["fabric flooded"]["queztl"]
    return cases, [over_bridge("sched_attack_loop", cases["bridge flooded"], cases["fabric flooded"], 3),
                   over_bridge("sched_attack_loop_quiet", cases["bridge quiet"], cases["fabric quiet"], None),
                   row("sched_attack_loop_p99", longer["queztl"], longer["kernel"], 2, "1",
                       n=measured["n"], p50=measured["p50"], p99=measured["p99"])]


PARTS = {"excess": (excess, 2, "fabric"), "busypoll": (busypoll, 2, "bridge,fabric"),
         "attack": (attacked, 4, "bridge,fabric")}


def show(found):
    scale, unit = (1e3, "us") if found["unit"] == "ns" else (1, found["unit"])
    met = {True: "met", False: "not met", None: ""}[found["met"]]
    print(f"{found['name']:<26}{found['baseline'] / scale:>10.3f}{found['value'] / scale:>10.3f} {unit:<5}"
          f"{found['ratio'] or 0:>7.2f}  {found['bar'] or '':<14}{met}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("-n", type=int, default=3000, help="round trips of a case under a scheduler")
    parser.add_argument("--pause", type=int, default=3000, metavar="US", help="before each")
    parser.add_argument("--hogs", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2, 4, 8])
    parser.add_argument("--tier", choices=["native", "bpf"], help="home of Queztl's scheduler; else what there is")
    parser.add_argument("--burst", type=int, default=8, help="packets pktgen sends with one kick")
    return parser.parse_args()


def main():
    options = parse()
    work, guests, options.paths = PARTS[options.part]
    lab = crowd.Crowd(options, guests, tools=options.part == "attack", mem="128M")
    options.tier = options.tier or json.loads(queztl("status", "--json"))["available"]
    conditions = {**crowd.conditions(options), "kernel": os.uname().release,
                  "cgroup_mode": MODE.read_text().strip() if MODE.exists() else None}
    lab.start()
    lab.guests[1].expect("qzping -s >/dev/null 2>&1 &")
    time.sleep(SETTLE)
    cases, rows = work(lab, options)
    lab.stop()
    for found in rows:
        show(found)
    pathlib.Path(os.environ["QZ_OUT"], "sched_guests.json").write_text(
        json.dumps({"conditions": conditions, "cases": cases, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
