#!/usr/bin/env python3
"""4096 commands of a driver that polls for each answer, on a CPU that others want: runs in L1, see ./measure.

One program (commands.c) is the driver and, beside it, the busy process. Either its own thread kicks, as a vCPU does, or
another process does it at once for it, so that the port's worker carries the commands out. Turns: worker, own, worker.
Those of the worker have fewer commands, and count as if they had as many.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/lab/l1")

import fabric

PROGRAM = f"{os.environ['QZ_SRC']}/build/selftests/bench_commands"
PORT, MAC = "qtcommands", "52:54:00:51:00:01"


def turn(options, count, *words):
    done = subprocess.run([PROGRAM, "-n", str(count), "-b", str(options.busy), *words, PORT],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    found = json.loads(done.stdout)
    found["seconds"] *= options.count / count
    print(f"{'worker' if words else 'own':<8}{found['seconds']:>9.3f}"
          + "".join(f"{found[what] * 1e6:>11.1f}" for what in ("p50", "p99", "max")), flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=4096)
    parser.add_argument("--worker-count", type=int, default=256)
    parser.add_argument("--busy", type=int, default=1, help="busy processes on the same CPU")
    options = parser.parse_args()
    fabric.load()
    fabric.add("qtcommands")
    fabric.add_port("qtcommands", PORT, MAC)
    print(f"{options.count} commands\n{'thread':<8}{'seconds':>9}{'p50, us':>11}{'p99, us':>11}{'max, us':>11}")
    before = turn(options, options.worker_count, "-w")
    own = turn(options, options.count)
    after = turn(options, options.worker_count, "-w")
    worker = (before["seconds"] + after["seconds"]) / 2
    conditions = {**vars(options), **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}
    row = {"name": "ctrl_commands", "value": own["seconds"], "unit": "s", "baseline_name": "the port's worker",
           "baseline": worker, "ratio": round(worker / own["seconds"], 3), "n": options.count, "p50": own["p50"],
           "p99": own["p99"], "conditions": {**conditions, "event": "p50, p99: of one command, from kick to answer"}}
    found = {"conditions": conditions, "turns": [before, own, after], "rows": [row]}
    (pathlib.Path(os.environ["QZ_OUT"]) / "commands.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
