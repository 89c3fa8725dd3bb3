#!/usr/bin/env python3
"""What a second queue pair is worth, on two CPUs: runs in L1, see ./queues.

    tso      64 KiB frames, as a guest sends them that leaves the cutting to others
    mtu      frames of 1500 bytes
    _pinned  the same, with each of the sender's workers kept to the CPU of its pair
    rss      64 KiB frames of 16 flows from one queue, the receiver with one pair or two, and it reads what it gets;
             sender, worker and receiver on CPUs of their own if there are four
    rss_mtu  the same with frames of 1500 bytes

One program (queues.c) streams from one port to another, over one of two pairs or over both. The turns are one pair, two,
one, two, one; as many bytes in each.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/lab/l1")

import fabric

PROGRAM = f"{os.environ['QZ_BUILD']}/selftests/bench_queues"
PORTS = {"qtsend": "52:54:00:51:00:01", "qtrecv": "52:54:00:51:00:02"}
# Frames of a turn, and the program's option.
KINDS = {"tso": (20000, ["-l"]), "mtu": (300000, []), "tso_pinned": (20000, ["-l", "-w"]),
         "mtu_pinned": (300000, ["-w"]), "rss": (20000, ["-l", "-s", "-t", "-w"]),
         "rss_mtu": (300000, ["-s", "-t", "-w"])}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rounds", type=int, default=2, help="turns of two pairs")
    parser.add_argument("--scale", type=float, default=1, help="so many times the frames")
    parser.add_argument("--marks", action="store_true", help="say where turns begin and end, and keep kallsyms")
    return parser.parse_args()


def mark(options, word, kind, pairs, more=None):
    """For whoever looks at this host from outside."""
    if options.marks:
        print(f"@{word} {kind} {pairs} {json.dumps(more)}", flush=True)
        time.sleep(2)                   # it takes a moment to read this and to look


def turn(options, kind, pairs):
    frames, words = KINDS[kind]
    mark(options, "begin", kind, pairs)
    done = subprocess.run([PROGRAM, "-p", str(pairs), "-f", str(int(frames * options.scale)), *words, *PORTS],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    row = json.loads(done.stdout)
    mark(options, "end", kind, pairs, {"units": row["frames"] if "mtu" in kind else row["bytes"] / 1e6})
    row["bytes_per_second"] = row["bytes"] / row["seconds"]
    row["frames_per_second"] = row["frames"] / row["seconds"]
    print(f"# {kind}, {pairs}: {json.dumps(row)}", flush=True)
    return row


def workers(turns):
    """CPU time of the sender's workers in the last turn, and where they ran."""
    words = []
    for row in turns[-1:]:
        for name, thread in sorted(row["sender"].items()):
            if not name.startswith("queztl-"):
                continue
            seen = thread["cpus"]
            share = thread["cpu_ms"] / row["seconds"] / 10
            if share >= 1:
                words.append(f"{share:.0f} % ({'/'.join(str(round(100 * n / max(sum(seen), 1))) for n in seen)})")
    return ", ".join(words)


def threads(row):
    return ", ".join(f"{name} {row[side][name]['cpu_ms'] / row['seconds'] / 10:.0f} %" for side in ("sender", "receiver")
                     for name in sorted(row[side]) if name.startswith(("send", "receive")))


def mean(turns, key):
    return sum(row[key] for row in turns) / len(turns)


def show(kind, found):
    print(f"\n{kind}: frames of {found[1][0]['frame']} bytes\n"
          f"{'pairs':<6}{'Mbyte/s':>9}{'frames/s':>10}{'worker':>8}{'direct':>8}{'kicks':>7}{'waited':>8}{'full':>7}")
    for pairs, turns in found.items():
        print(f"{pairs:<6}{mean(turns, 'bytes_per_second') / 1e6:>9.1f}{mean(turns, 'frames_per_second'):>10.0f}"
              f"{mean(turns, 'worker_runs'):>8.0f}{mean(turns, 'direct_runs'):>8.0f}{mean(turns, 'kicks'):>7.0f}"
              f"{mean(turns, 'tx_waited'):>8.0f}{mean(turns, 'full'):>7.0f}\n"
              f"      CPU time of workers in the last turn (share on CPU 0/1): {workers(turns)}\n"
              f"      frames by queue: {turns[-1]['by_queue']}, CPU time of threads: {threads(turns[-1])}")
    ratio = mean(found[2], "bytes_per_second") / mean(found[1], "bytes_per_second")
    print(f"two pairs carry {ratio:.2f} times as much", flush=True)


def row(kind, found, conditions):
    one, two = mean(found[1], "bytes_per_second"), mean(found[2], "bytes_per_second")
    name = f"fabric_{kind}" if kind.startswith("rss") else f"fabric_stream_queues_{kind}".replace("_tso", "")
    return {"name": name, "value": two, "unit": "B/s", "baseline_name": "one pair",
            "baseline": one, "ratio": round(two / one, 3), "n": len(found[2]), "p50": None, "p99": None,
            "conditions": conditions}


def main():
    options = parse()
    out = pathlib.Path(os.environ["QZ_OUT"])
    fabric.load()
    fabric.add("qtqueues")
    for name, mac in PORTS.items():
        fabric.add_port("qtqueues", name, mac, pairs=2)
    if options.marks:
        out.joinpath("kallsyms").write_bytes(pathlib.Path("/proc/kallsyms").read_bytes())
    found = {"conditions": {**vars(options), **{name: value for name, value in os.environ.items()
                                                if name.startswith("QZ_LAB_")}}, "pairs": {}, "rows": []}
    for kind in options.kinds.split(","):
        rows = found["pairs"][kind] = {1: [], 2: []}
        for pairs in [1, 2] * options.rounds + [1]:
            rows[pairs].append(turn(options, kind, pairs))
        show(kind, rows)
        found["rows"].append(row(kind, rows, found["conditions"]))
    out.joinpath("queues.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
