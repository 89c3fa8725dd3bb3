#!/usr/bin/env python3
"""Two threads on one CPU that do nothing but wake each other, under the kernel's scheduler and Queztl's.

Runs in L1, see ./instructions, which counts what the host executes between the marks.
"""
import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True

import sides

SECONDS = 4


def mark(word, side, more=None):
    """For whoever looks at this host from outside."""
    print(f"@{word} wake {side} {json.dumps(more)}", flush=True)
    time.sleep(0.5)


def turn(side):
    with sides.SIDES[side.split(".")[0]]:
        mark("begin", side)
        trips = sides.run("kernel", "pingpong", 0, SECONDS, "-w", "0")["a"]["n"]
        mark("end", side, {"units": 2 * trips})
        return pathlib.Path("/proc/kallsyms").read_bytes()


def main():
    out = pathlib.Path(os.environ["QZ_OUT"])
    own = sys.argv[sys.argv.index("--own") + 1] if "--own" in sys.argv else "bpf"
    turn("kernel.0")
    (out / "kallsyms").write_bytes(turn(f"{own}.1"))
    (out / "wakes.json").write_text(json.dumps({"conditions": {"kernel": os.uname().release, "own": own}}))


main()
