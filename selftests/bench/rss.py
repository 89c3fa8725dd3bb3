#!/usr/bin/env python3
"""A receiver with two queue pairs against one with one, real guests: see ./measure.

The sender has one pair. Its 16 TCP streams go to the receiver's first NIC, whose port has one pair, or to its second one,
whose port has two. The paths take turns. `queues`: interrupts of each receive queue, so both were used.
"""
import argparse
import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crowd
import fabric                   # crowd knows where they are
import vm

STREAMS = 16


def nic(index, host, pairs):
    """On a port with so many pairs."""
    path = fabric.add_port(f"bench{index}", f"p{index}-{host}", crowd.mac(index, host), pairs=pairs)
    made = vm.vdpa(crowd.mac(index, host), crowd.address(index, host) + "/24", path,
                   f",mq=on,vectors={2 * pairs + 2}" if pairs > 1 else "")
    if pairs > 1:
        made.netdev += f",queues={pairs}"
    return made


def make_guests(options):
    fabric.load()
    for pairs in (1, 2):
        fabric.add(f"bench{pairs}")
    more = {"tools": True, "emulator": options.emulator, "kernel": options.guest, "append": options.append}
    sender = vm.Guest("sender", [nic(pairs, 1, 1) for pairs in (1, 2)], **more)
    receiver = vm.Guest("receiver", [nic(pairs, 2, pairs) for pairs in (1, 2)], cpus=2, **more)
    return sender, receiver


def interrupts(guest, pairs):
    """Of each receive queue of the NIC whose port has so many pairs."""
    device = guest.expect(f"basename $(readlink -f /sys/class/net/{crowd.device(guest, pairs, 2)}/device)").strip()
    found = {}
    for line in guest.expect("cat /proc/interrupts").splitlines():
        if match := re.search(rf"{device}-input\.(\d+)", line):
            found[int(match[1])] = sum(int(word) for word in line.split(":")[1].split() if word.isdigit())
    return found


def turn(sender, receiver, pairs, seconds):
    before = interrupts(receiver, pairs)
    text = sender.expect(f"iperf3 -J -P {STREAMS} -c {crowd.address(pairs, 2)} -O 2 -t {seconds}", 120 + 6 * seconds)
    end = json.loads(text)["end"]
    queues = {queue: count - before.get(queue, 0) for queue, count in interrupts(receiver, pairs).items()}
    return end["sum_received"]["bits_per_second"], queues, end["cpu_utilization_percent"]["remote_total"]


def row(found, options):
    one, two = (sum(found[pairs]) / len(found[pairs]) for pairs in (1, 2))
    return {"name": "fabric_rss", "value": two, "unit": "bit/s", "baseline_name": "one pair", "baseline": one,
            "ratio": round(two / one, 3), "n": options.rounds, "p50": None, "p99": None,
            "conditions": crowd.conditions(options)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("--seconds", type=int, default=6)
    options = parser.parse_args()
    sender, receiver = make_guests(options)
    vm.start_all([sender, receiver])
    receiver.expect("iperf3 -s -D")
    found = {1: [], 2: []}
    for pairs in [1, 2] * options.rounds:
        rate, queues, busy = turn(sender, receiver, pairs, options.seconds)
        found[pairs].append(rate)
        print(f"# {pairs} pairs: {rate:.4g} bit/s, interrupts by queue {queues}, iperf3 of the receiver {busy:.0f} %",
              flush=True)
    result = row(found, options)
    print(f"fabric_rss: {result['baseline']:.4g} with one pair, {result['value']:.4g} with two: {result['ratio']}")
    pathlib.Path(os.environ["QZ_OUT"], "rss.json").write_text(json.dumps({"rows": [result]}, indent=1) + "\n")
    sender.stop()
    receiver.stop()


if __name__ == "__main__":
    main()
