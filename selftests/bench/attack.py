#!/usr/bin/env python3
"""What an attacker takes from others over several paths, side by side in one boot: see ./measure.

Guests 1 and 2 exchange UDP datagrams of 64 bytes, one at a time, while guests 3 and 4 are

    quiet       idle
    computing   keeping their CPUs busy; they send nothing
    flooded     guest 3 floods guest 4 (pktgen)
    limited     the same, and guest 3 may send so many packets per second, by the fabric's limit or a policer (tc)

with a pause before each round trip, as who waits for requests has it, and in a loop without any.

    attack_p99              flooded over quiet: the 99th percentiles of the pair's round trips
    attack_limited_p99      limited over quiet
    attack_share_p99        flooded over computing: what the network adds to what two guests may take of the CPU
    attack_loop_p99         as attack_p99, in a loop
    attack_loop_share_p99   as attack_share_p99, in a loop
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crowd

ROWS = {"attack_p99": ("flooded", "quiet"), "attack_limited_p99": ("limited", "quiet"),
        "attack_share_p99": ("flooded", "computing"), "attack_loop_p99": ("flooded loop", "quiet loop"),
        "attack_loop_share_p99": ("flooded loop", "computing loop")}
WARMUP = 20
CASES = list(dict.fromkeys(case for pair in ROWS.values() for case in reversed(pair)))


class Case:
    """Round trips of one case over one path."""

    def __init__(self):
        self.samples, self.lost, self.pps, self.exits, self.trips = [], 0, [], 0, 0

    def add(self, found, pps, exits):
        self.samples += found["samples"]
        self.lost += found["lost"]
        self.pps += pps
        self.exits += exits
        self.trips += found["n"] + found["lost"] + WARMUP

    def summary(self):
        samples = sorted(self.samples)
        return {"n": len(samples), "lost": self.lost, "mean": round(sum(samples) / len(samples)),
                "p50": crowd.at(samples, .5), "p90": crowd.at(samples, .9), "p99": crowd.at(samples, .99),
                "flood_pps": self.pps, "exits_per_trip": round(self.exits / self.trips, 2)}


# -- what guests 3 and 4 do ----------------------------------------------------------------------------------------
@contextlib.contextmanager
def computing(guests):
    for guest in guests:
        guest.expect("(while :; do :; done) & echo $! >/tmp/busy")
    yield
    for guest in guests:
        guest.expect("kill $(cat /tmp/busy)")


@contextlib.contextmanager
def flooding(guest, index, path, options, limit):
    """Yields a list in which there is, afterwards, how many packets per second it sent."""
    found = []
    crowd.LIMIT[path](index, 3, limit)
    flood = crowd.packets(guest, index, 3, 4, 0, options.burst)
    guest.expect(f"({flood}) >/tmp/flood 2>&1 &")
    # Its first packet may be a while away, and a stop before that has no effect.
    guest.expect("while ! grep -q 'sofar: [1-9]' /proc/net/pktgen/eth*; do sleep 0.1; done")
    yield found
    guest.expect("echo stop >/proc/net/pktgen/pgctrl")
    crowd.LIMIT[path](index, 3, 0)
    found.append(int(re.search(r"(\d+)pps", guest.expect("while ! grep pps /tmp/flood; do sleep 0.1; done"))[1]))


def around(case, guests, index, path, options):
    if case.startswith("computing"):
        return computing(guests[2:4])
    if case.startswith("quiet"):
        return contextlib.nullcontext()
    return flooding(guests[2], index, path, options, options.limit if case == "limited" else 0)


def turn(case, guests, index, path, options):
    pause, count = (0, options.loop) if case.endswith("loop") else (options.pause, options.n)
    with around(case, guests, index, path, options) as pps:
        before = crowd.counters(guests[:2])["exits"]
        found = json.loads(guests[0].expect(f"qzping -r -l 64 -n {count} -w {WARMUP} -i {pause} {crowd.address(index, 2)}",
                                            60 + count))
        exits = crowd.counters(guests[:2])["exits"] - before
    return found, pps or [], exits


# -- results ---------------------------------------------------------------------------------------------------------
def row(cases, over, under):
    """How many times longer, at the percentile and in the middle."""
    over, under = cases[over], cases[under]
    ratio = {at: over[at] / under[at] for at in ("p50", "p99")}
    return {"n": over["n"], "mean": ratio["p99"], **ratio}


def show(found):
    for path, cases in found.items():
        print(f"\n{path}: round trips of the innocent pair, ms\n"
              f"{'guests 3 and 4':<16}{'n':>6}{'lost':>5}{'mean':>9}{'p50':>8}{'p90':>8}{'p99':>8}{'exits':>8}"
              "  flood, packets/s")
        for name, case in cases.items():
            print(f"{name:<16}{case['n']:>6}{case['lost']:>5}{case['mean'] / 1e6:>9.2f}"
                  + "".join(f"{case[at] / 1e6:>8.2f}" for at in ("p50", "p90", "p99"))
                  + f"{case['exits_per_trip']:>8.2f}  " + " ".join(str(pps) for pps in case["flood_pps"]))
    print(f"\n{'times longer at p99':<24}" + "".join(f"{path:>12}" for path in found))
    for name, pair in ROWS.items():
        print(f"{name:<24}" + "".join(f"{row(cases, *pair)['p99']:>12.2f}" for cases in found.values()), flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("-n", type=int, default=400, help="round trips per turn")
    parser.add_argument("--loop", type=int, default=800, help="and in a loop")
    parser.add_argument("--pause", type=int, default=20000, metavar="US", help="before each")
    parser.add_argument("--limit", type=int, default=1000, help="packets per second, of limited")
    parser.add_argument("--burst", type=int, default=8, help="packets pktgen sends with one kick")
    return parser.parse_args()


def main():
    options = parse()
    lab = crowd.Crowd(options, 4, tools=True, mem="128M")
    lab.start()
    lab.guests[1].expect("qzping -s >/dev/null 2>&1 &")
    pools = {index: {case: Case() for case in CASES} for index, _ in lab.paths}
    for number in range(options.rounds):
        for case in CASES:
            for index, path in lab.paths:
                pools[index][case].add(*turn(case, lab.guests, index, path, options))
            print(f"# round {number + 1} of {options.rounds}: {case}", flush=True)
    lab.stop()
    found = {f"{path}.{index}": {case: pool.summary() for case, pool in pools[index].items()}
             for index, path in lab.paths}
    kinds = {name: {"unit": "1", "better": "less", "paths": {path: row(cases, *pair) for path, cases in found.items()}}
             for name, pair in ROWS.items()}
    pathlib.Path(os.environ["QZ_OUT"], "attack.json").write_text(json.dumps(
        {"conditions": crowd.conditions(options), "cases": found, "kinds": kinds}, indent=1) + "\n")
    show(found)


if __name__ == "__main__":
    main()
