#!/usr/bin/env python3
"""The demo, inside L1: two VMs, each with one NIC on a fabric and one on vhost-net + bridge, ping and exchange UDP."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ["QZ_SRC"])
sys.path.insert(0, str(SOURCE / "selftests/bench"))

import crowd
import rtt

QUEZTL = SOURCE / "build/userspace/queztl"
NAMES = {"fabric": "QHP fabric", "bridge": "vhost-net + bridge"}
HOSTS = {"tcg": "emulated", "kvm": "nested"}
TURNS = ["--guest", "cloud", "--rounds", "2", "-n", "400", "--warmup", "100"]
STARTED = time.monotonic()


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"[{time.monotonic() - STARTED:5.1f} s] {text}")


def queztl(*argv):
    """The output of the command-line tool, indented."""
    text = subprocess.run([QUEZTL, *argv], check=True, text=True, stdout=subprocess.PIPE).stdout
    return "".join(f"    {line}\n" for line in text.splitlines()).rstrip()


def show_ping(guest, name, address):
    text = guest.expect(f"ping -c 5 -i 0.2 -W 2 {address}", seconds=60)
    counts = re.search(r"(\d+) packets transmitted, (\d+)[^,]* received", text)
    say(f"    {NAMES[name]:<20} ping {address}: {counts[2]} of {counts[1]} answered")
    if counts[1] != counts[2]:
        raise SystemExit("demo: not every ping was answered; see the counts above")


def show_table(results):
    rows = {path.split(".")[0]: row for path, row in results.items()}
    bridge, fabric = rows["bridge"], rows["fabric"]
    say(f"\n  UDP 64 B round trips   {'n':>5} {'lost':>4}  {'mean':>7} {'p50':>7} {'p99':>7}"
        f"  {'exits':>5} {'switches':>8}")
    for name, row in (("bridge", bridge), ("fabric", fabric)):
        say(f"  {NAMES[name]:<22} {row['n']:>5} {row['lost']:>4}  {row['mean'] / 1e6:>7.3f} {row['p50'] / 1e6:>7.3f}"
            f" {row['p99'] / 1e6:>7.3f}  {row['per_trip']['exits']:>5.1f} {row['per_trip']['switches']:>8.1f}")
    ratios = [bridge[key] / fabric[key] for key in ("mean", "p50", "p99")]
    counts = [bridge["per_trip"][key] / fabric["per_trip"][key] for key in ("exits", "switches")]
    say(f"  {'times better':<22} {'':>5} {'':>4}  {ratios[0]:>7.2f} {ratios[1]:>7.2f} {ratios[2]:>7.2f}"
        f"  {counts[0]:>5.2f} {counts[1]:>8.2f}")
    say("  (ms; VM exits and host context switches are per round trip)")


def main():
    options = rtt.parse(TURNS + sys.argv[1:])
    step(f"host: Linux {os.uname().release} with KVM, {HOSTS[os.environ['QZ_LAB_ACCEL']]}, "
         f"{os.environ['QZ_LAB_CPUS']} CPU")
    lab = crowd.Crowd(options)
    say(queztl("info"))
    step("booting two stock QEMU VMs with Debian's kernel; this takes half a minute or more")
    lab.start()
    step("both VMs run, with a NIC on each path; queztl.ko sees them:")
    say(queztl("vms"))
    say(queztl("port", "list"))
    step("ping")
    for index, path in lab.paths:
        show_ping(lab.guests[0], path, crowd.address(index, 2))
    step(f"UDP, alternating between the paths, {options.n} round trips per turn")
    results = rtt.measure(lab, lambda path, mean: say(f"    {NAMES[path]:<20} mean {mean / 1e6:.3f} ms"))
    show_table(results)
    rtt.save(options, results)
    lab.stop()
    say()
    step("done")


main()
