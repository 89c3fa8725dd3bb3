#!/usr/bin/env python3
"""What one tenant can do to another, and to the administrator: see ./bench. Runs in L1, with software guests.

    foreign   what a receiver makes run in its sender's thread: safe_foreign_thread, safe_foreign_exit
    atomic    the longest sections with softirqs or preemption off that an attacker causes: safe_atomic_*
    admin     the slowest of each of the administrator's calls beside a VM that is stuck: safe_admin_*

Each part has its own baseline from the same boot. A bar that is not met is reported, and is not an error.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(os.environ["QZ_SRC"])
sys.path.insert(0, str(TOP / "selftests/lab/l1"))

import fabric

OUT = pathlib.Path(os.environ["QZ_OUT"])
LAST_BUCKET = 4095  # it has all longer ones, see qz_sections.c
STEADY = 1e6  # ns; a thread that is later in a quiet turn waits for a machine that is busy
BARS = {"thread": 1.1, "exit": 1e9, "atomic": 500e3, "innocent": 1.5, "admin": 100e6}
RELEASE = os.uname().release


# -- figures ---------------------------------------------------------------------------------------------------------
def at(samples, share):
    samples = sorted(samples)
    return samples[min(int(share * len(samples)), len(samples) - 1)]


def percentile(section, share):
    """Of a histogram: an upper bound, in ns."""
    if section["max"] < 1000 or not section["us"]:
        return section["max"]
    left = share * section["n"]
    for us, count in section["us"]:
        left -= count
        if left <= 0:
            return min((us + 1) * 1000, section["max"]) if us < LAST_BUCKET else section["max"]
    return section["max"]


def over(section, ns):
    return sum(count for us, count in section["us"] if us * 1000 >= ns)


def row(name, value, baseline_name, baseline, bar, samples=None, **more):
    """As results.json has them; with the bar, and whether it is met. A small bar is one on the ratio to the baseline."""
    relative = bar is not None and bar < 100
    measure = value / baseline if relative and baseline else value
    return {"name": name, "value": value, "unit": "ns", "baseline_name": baseline_name, "baseline": baseline,
            "ratio": round(baseline / value, 3) if value else None,
            "n": len(samples) if samples else more.pop("n", None),
            "p50": at(samples, .5) if samples else more.pop("p50", None),
            "p99": at(samples, .99) if samples else more.pop("p99", None),
            "bar": bar, "met": None if bar is None else measure <= bar, **more}


def us(ns):
    return f"{ns / 1e3:.0f}" if ns >= 1e4 else f"{ns / 1e3:.1f}"


def ms(ns):
    return f"{ns / 1e6:.1f}" if ns >= 1e6 else f"{ns / 1e6:.2f}"


# -- foreign: turns A/B/A/C/A ------------------------------------------------------------------------------------------
def foreign(turns):
    """An attack is compared with the turns before and after it, pooled."""
    print(f"\n{'foreign: us':<12}{'A to B':>27}{'A to C and back':>27}{'A killed, ms':>14}\n"
          f"{'B is':<12}{'p50':>9}{'p99':>9}{'max':>9}{'p50':>9}{'p99':>9}{'max':>9}{'p50':>7}{'max':>7}")
    for turn in turns:
        print(f"{turn['case']:<12}" + "".join(f"{us(at(turn[what], share)):>9}" for what in ("deliver", "trip")
                                              for share in (.5, .99, 1))
              + "".join(f"{ms(at(turn['exit'], share)):>7}" for share in (.5, 1)))
    for before, turn, after in zip(turns, turns[1:], turns[2:]):
        if turn["case"] == "plain":
            continue
        for what in "deliver", "trip":
            plain = before[what] + after[what]
            for word, share in ("p50", .5), ("p99", .99):
                yield row(f"safe_foreign_thread_{turn['case']}_{what}_{word}", at(turn[what], share), "plain",
                          at(plain, share), BARS["thread"], turn[what], direct_runs_of_b=turn["direct_runs"],
                          drift=round(at(after[what], share) / at(before[what], share), 3))
        yield row(f"safe_foreign_exit_{turn['case']}", max(turn["exit"]), "plain", max(before["exit"] + after["exit"]),
                  BARS["exit"], turn["exit"])


# -- atomic ----------------------------------------------------------------------------------------------------------
BASELINES = ("quiet", "computing", "computing, two")


def pooled(cases, name):
    """All turns of a baseline."""
    turns = [case for case in cases if case["case"] == name]
    return {"case": name, "trip": sum((turn["trip"] for turn in turns), []),
            "late": sum((turn["late"] for turn in turns), []),
            "gate": max((turn["gate"] for turn in turns), key=lambda gate: gate["max"])}


def show_attack(case, compared):
    gate = case["gate"]
    print(f"{case['case']:<24}{gate['n']:>7}{us(percentile(gate, .5)):>6}{us(percentile(gate, .999)):>7}"
          f"{us(gate['max']):>8}{over(gate, BARS['atomic']):>6}{us(max(case['late'])):>8}"
          + (f"{us(at(case['trip'], .99)):>8}{at(case['trip'], .99) / at(compared['trip'], .99):>6.2f}"
             if case["trip"] else ""))


def gate_row(what, value, baseline_name, baseline, case, **more):
    gate = case["gate"]
    return row(f"safe_atomic_{what}", value, baseline_name, baseline, BARS["atomic"], n=gate["n"],
               p50=percentile(gate, .5), p99=percentile(gate, .99), over_500us=over(gate, BARS["atomic"]), attack=case["case"], **more)


def atomic(cases):
    base = {name: pooled(cases, name) for name in BASELINES}
    attacks = [case for case in cases if case["case"] not in base]
    idle, quiet = base["computing"], base["quiet"]
    print(f"\n{'atomic: us':<24}{'not preempted in the fabric':>34}{'thread':>8}{'innocent pair':>14}\n"
          f"{'attack':<24}{'n':>7}{'p50':>6}{'p99.9':>7}{'max':>8}{'>500':>6}{'late':>8}{'p99':>8}{'times':>6}")
    for case in list(base.values()) + attacks:
        case["over"] = base["computing, two"] if case["case"].endswith("two senders") else idle
        show_attack(case, case["over"])
    if max(quiet["late"]) > STEADY:
        print(f"This machine is busy: with no attack the thread was {ms(max(quiet['late']))} ms late.\n"
              "All longest times here include such delays; those in virtual time do not.")
    rest = [case for case in attacks if "waiters" not in case["case"]]
    worst = max(rest, key=lambda case: case["gate"]["max"])
    yield gate_row("max", worst["gate"]["max"], "computing", idle["gate"]["max"], worst, by=worst["gate"]["by"])
    worst = max(rest, key=lambda case: percentile(case["gate"], .999))
    yield gate_row("p999", percentile(worst["gate"], .999), "computing", percentile(idle["gate"], .999), worst)
    worst = max(rest, key=lambda case: max(case["late"]))
    yield row("safe_atomic_late_max", max(worst["late"]), "computing", max(idle["late"]), BARS["atomic"], worst["late"],
              attack=worst["case"])
    worst = max((case for case in rest if case["trip"]),
                key=lambda case: at(case["trip"], .99) / at(case["over"]["trip"], .99))
    yield row("safe_atomic_innocent_p99", at(worst["trip"], .99), worst["over"]["case"], at(worst["over"]["trip"], .99),
              BARS["innocent"], worst["trip"], attack=worst["case"], quiet=at(quiet["trip"], .99))
    yield from waiters({case["case"]: case for case in attacks})


def waiters(attacks):
    """What an eventfd with many waiters costs over the fabric, and what a write() of its owner's costs instead."""
    plain, case = attacks["10^5 waiters, write()"], attacks["10^5 waiters"]
    write, signal, gate = max(plain["plain"]), case["signal"], case["gate"]
    print("signalling an eventfd that 10^5 wait on took at most\n"
          f"{ms(gate['max']):>8} ms in a sender's thread ({over(gate, BARS['atomic'])} of {gate['n']} sections over 500 us)\n"
          f"{ms(signal['max']):>8} ms in its owner's worker\n{ms(write):>8} ms in a write() of its owner's, without a port")
    yield gate_row("waiters_sender", gate["max"], "write()", write, case)
    yield row("safe_atomic_waiters_owner", signal["max"], "write()", write, None, n=signal["n"],
              p50=percentile(signal, .5), p99=percentile(signal, .99))
    yield row("safe_atomic_waiters_late_max", max(case["late"]), "write()", max(plain["late"]), BARS["atomic"],
              case["late"])
    if case["trip"] and plain["trip"]:
        yield row("safe_atomic_waiters_innocent_p99", at(case["trip"], .99), "write()", at(plain["trip"], .99),
                  BARS["innocent"], case["trip"])


# -- admin -----------------------------------------------------------------------------------------------------------
PHASES = ("quiet", "deleted", "stopped", "throttled")


def admin(phases):
    phases = {phase["case"]: phase for phase in phases}
    found = [name for name in PHASES if name in phases]
    calls = [call for call in phases[found[-1]] if isinstance(phases[found[-1]][call], list)]
    print(f"\nadmin: the slowest of {len(phases['quiet'][calls[0]])}, us, beside a VM that is\n{'call':<32}"
          + "".join(f"{name:>11}" for name in found))
    slowest = {}
    for call in calls:
        slowest[call] = {name: max(phases[name][call]) for name in found if call in phases[name]}
        print(f"{call:<32}" + "".join(f"{us(slowest[call][name]) if name in slowest[call] else '-':>11}"
                                      for name in found))
    for call, most in slowest.items():
        quiet = most.pop("quiet", None)
        phase = max(most, key=most.get)
        name = re.sub(r"\W+", "_", call.removeprefix("QUEZTL_").lower())
        yield row(f"safe_admin_{name}", most[phase], "quiet", quiet or 0, BARS["admin"], phases[phase][call], beside=phase)
    call = max(slowest, key=lambda each: max(slowest[each].values()))
    phase = max(slowest[call], key=slowest[call].get)
    quiet = max(max(phases["quiet"][each]) for each in calls if each in phases["quiet"])
    yield row("safe_admin_max", slowest[call][phase], "quiet", quiet, BARS["admin"], phases[phase][call], beside=phase,
              call=call)


# -- the run -----------------------------------------------------------------------------------------------------------
PARTS = {"foreign": foreign, "atomic": atomic, "admin": admin}


def show_bars(rows):
    missed = [each for each in rows if each["met"] is False]
    print(f"\nbars: {sum(each['met'] is True for each in rows)} met, {len(missed)} not" + (":" if missed else ""))
    for each in missed:
        if each["bar"] < 100:
            print(f"  {each['name']:<46}{each['value'] / each['baseline']:>9.2f} times, not {each['bar']}")
        else:
            print(f"  {each['name']:<46}{us(each['value']):>9} us, not {us(each['bar'])}"
                  f" ({each['value'] / each['bar']:.1f} times)")
    sys.stdout.flush()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART",
                        help="foreign, atomic, admin (default: all)")
    parser.add_argument("--trips", type=int, default=1000, help="round trips per turn of foreign")
    parser.add_argument("--ms", type=int, default=8000, help="of each attack of atomic")
    parser.add_argument("--ports", type=int, default=1000, help="of the fabric that is flooded")
    return parser.parse_args()


def measure(options):
    subprocess.run(["modprobe", "kvm-amd", "nested=0"], check=False)	# else there are no calls on a VM
    # Each huge page that khugepaged makes of an attacker's memory would make the thread 1.4 ms late.
    pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").write_text("never")
    fabric.load()
    found = OUT / "safety.jsonl"
    found.unlink(missing_ok=True)
    environment = {**os.environ, "QZ_USER_TRIPS": str(options.trips), "QZ_USER_MS": str(options.ms),
                   "QZ_USER_PORTS": str(options.ports), "QZ_USER_TEST_MODULES": str(TOP / "build/kmod-tests" / RELEASE)}
    done = subprocess.run([TOP / "build/selftests/bench_safety", *options.parts], env=environment, check=False)
    return done.returncode, [json.loads(line) for line in found.read_text().splitlines()]


def main():
    options = parse()
    code, lines = measure(options)
    rows = []
    for part in options.parts:
        rows += PARTS[part]([line for line in lines if line["part"] == part])
    show_bars(rows)
    conditions = {**vars(options), "load": os.environ.get("QZ_USER_LOAD"),
                  **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}
    (OUT / "safety.json").write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
