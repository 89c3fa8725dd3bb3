#!/usr/bin/env python3
"""What many guests get of one another over several paths, side by side in one boot: see ./measure.

    aggregate    a TCP stream (iperf3) in each of eight pairs at once: bits per second, all together

The paths take turns; each turn also counts VM exits, interrupts and L1's context switches.
"""
import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crowd
import traffic


class Aggregate:
    name, unit, better = "aggregate", "bit/s", "more"

    def prepare(self, guests):
        for guest in guests[1::2]:
            guest.expect("iperf3 -s -D")

    def turn(self, guests, index, options):
        slow_start = traffic.Stream.slow_start
        started = [sender.post(f"iperf3 -J -c {crowd.address(index, host + 1)} -O {slow_start} -t {options.seconds}")
                   for host, sender in enumerate(guests, 1) if host % 2]
        pairs = []
        for sender, token in zip(guests[::2], started):
            code, text = sender.finish(token, 120 + 8 * options.seconds)
            if code:
                raise RuntimeError(f"iperf3 in guest {sender.name}: {text}")
            pairs.append(json.loads(text)["end"]["sum_received"]["bits_per_second"])
        total = sum(pairs)
        return [total], {"pairs": pairs, "least_share": round(min(pairs) * len(pairs) / total, 3)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("--guests", type=int, default=16, help="two and two are pairs")
    parser.add_argument("--seconds", type=int, default=8, help="of the TCP streams")
    return parser.parse_args()


def main():
    options = parse()
    lab = crowd.Crowd(options, options.guests, tools=True, mem="128M")
    lab.start()
    traffic.run([Aggregate()], lab, "many.json")
    lab.stop()


if __name__ == "__main__":
    main()
