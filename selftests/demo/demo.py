#!/usr/bin/env python3
"""The demo, inside L1: two VMs, each with one NIC on a fabric and one on vhost-net + bridge, ping and exchange UDP. Then
they exchange messages over a channel."""
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

import channel
import crowd
import rtt

QUEZTL = SOURCE / "build/userspace/queztl"
NAMES = {"fabric": "QHP fabric", "bridge": "vhost-net + bridge", "channel": "QHP channel"}
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


def show_row(name, row):
    say(f"  {NAMES[name]:<22} {row['n']:>5} {row['lost']:>4}  {row['mean'] / 1e6:>7.3f} {row['p50'] / 1e6:>7.3f}"
        f" {row['p99'] / 1e6:>7.3f}  {row['per_trip']['exits']:>5.1f} {row['per_trip']['switches']:>8.1f}")


def show_times(bridge, row):
    ratios = [bridge[key] / row[key] for key in ("mean", "p50", "p99")]
    counts = [bridge["per_trip"][key] / row["per_trip"][key] for key in ("exits", "switches")]
    say(f"  {'  times better':<22} {'':>5} {'':>4}  {ratios[0]:>7.2f} {ratios[1]:>7.2f} {ratios[2]:>7.2f}"
        f"  {counts[0]:>5.2f} {counts[1]:>8.2f}")


def measure_channel(lab):
    """Like one of rtt's paths. The guests share a CPU, so the library soon stops polling."""
    pool = {"samples": [], "lost": 0, "trips": 0, "turns": [], "counts": {}}
    for _ in range(lab.options.rounds):
        before = crowd.counters(lab.guests)
        found = lab.ping(lab.options.spin_us * 1000, lab.options.n)
        crowd.add_counts(pool["counts"], before, lab.guests)
        pool["samples"] += found
        pool["trips"] += lab.options.n + lab.options.warmup
        pool["turns"].append(sum(found) / len(found))
        say(f"    {NAMES['channel']:<20} mean {pool['turns'][-1] / 1e6:.3f} ms")
    return rtt.summary(pool)


def show_table(results):
    rows = {path.split(".")[0]: row for path, row in results.items()}
    bridge, fabric = rows["bridge"], rows["fabric"]
    say(f"\n  64 B round trips       {'n':>5} {'lost':>4}  {'mean':>7} {'p50':>7} {'p99':>7}"
        f"  {'exits':>5} {'switches':>8}")
    show_row("bridge", bridge)
    for name, row in (("fabric", fabric), ("channel", rows["channel"])):
        show_row(name, row)
        show_times(bridge, row)
    say("  (ms; UDP, and messages of a channel; VM exits and host context switches are per round trip)")


def main():
    options = rtt.parse(TURNS + sys.argv[1:])
    step(f"host: Linux {os.uname().release} with KVM, {HOSTS[os.environ['QZ_LAB_ACCEL']]}, "
         f"{os.environ['QZ_LAB_CPUS']} CPU")
    options.spin_us = 50                # the library's default
    lab = channel.Lab(options)
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
    rtt.save(options, results)
    step("64 bytes over a channel, by libqueztl in both VMs")
    say(queztl("channel", "list"))
    show_table({**results, "channel.0": measure_channel(lab)})
    lab.stop()
    say()
    step("done")


main()
