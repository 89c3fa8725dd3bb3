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


def least_share(values):
    """1: all are equal."""
    return round(min(values) * len(values) / sum(values), 3) if values else None


class Aggregate:
    name, unit, better = "aggregate", "bit/s", "more"

    def prepare(self, guests):
        for guest in guests[1::2]:
            guest.expect("iperf3 -s -D")

    @staticmethod
    def cpu(guests):
        """Microseconds that each pair's VMs have used, of their cgroups; their vhost threads are in them, too."""
        if not guests[0].cgroup:
            return []
        used = [int((guest.cgroup / "cpu.stat").read_text().split()[1]) for guest in guests]
        return [a + b for a, b in zip(used[::2], used[1::2])]

    def turn(self, guests, index, options):
        before = self.cpu(guests)
        slow_start = traffic.Stream.slow_start
        started = [sender.post(f"iperf3 -J -c {crowd.address(index, host + 1)} -O {slow_start} -t {options.seconds}")
                   for host, sender in enumerate(guests, 1) if host % 2]
        pairs = []
        for sender, token in zip(guests[::2], started):
            code, text = sender.finish(token, 120 + 8 * options.seconds)
            if code:
                raise RuntimeError(f"iperf3 in guest {sender.name}: {text}")
            pairs.append(json.loads(text)["end"]["sum_received"]["bits_per_second"])
        used = [after - start for start, after in zip(before, self.cpu(guests))]
        return [sum(pairs)], {"pairs": pairs, "least_share": least_share(pairs), "cpu_us": used,
                              "least_cpu_share": least_share(used)}


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
