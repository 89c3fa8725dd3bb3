#!/usr/bin/env python3
"""What many guests get of one another over several paths, side by side in one boot: see ./measure.

    aggregate    a TCP stream (iperf3) in each of eight pairs at once: bits per second, all together
    attack_p99   two guests exchange UDP datagrams of 64 bytes while a third floods a fourth (pktgen): 99th percentile
                 of the round trip, over what it is without the flood
    attack_busy_p99      the same, over what it is while the third guest does no more than keep its CPU busy: where all
                         share a CPU, what is left is what the network adds
    attack_limited_p99   as attack_busy_p99, with a limit on what the third may send, as an administrator would set one:
                         the fabric's own, and a policer (tc) on the tap

The paths take turns; each turn also counts VM exits, interrupts and L1's context switches.
"""
import argparse
import json
import os
import re
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


class Attack:
    name, unit, better = "attack_p99", "1", "less"

    def prepare(self, guests):
        guests[1].expect("qzping -s >/dev/null 2>&1 &")
        guests[2].expect("ls /proc/net/pktgen/kpktgend_0")

    def ping(self, guests, index, options):
        found = json.loads(guests[0].expect(f"qzping -r -l 64 -n {options.n} -w 100 {crowd.address(index, 2)}",
                                            60 + options.n))
        return crowd.at(sorted(found["samples"]), .99), found["lost"]

    def begin(self, guests):
        """What the flood is compared with."""

    def end(self, guests):
        pass

    def limit(self, index, options, packets):
        pass

    def turn(self, guests, index, options):
        self.begin(guests)
        without, _ = self.ping(guests, index, options)
        self.end(guests)
        self.limit(index, options, options.limit)
        flood = crowd.packets(guests[2], index, 3, 4, 0, options.burst)
        guests[2].expect(f"({flood}) >/tmp/flood 2>&1 &")
        under, lost = self.ping(guests, index, options)
        guests[2].expect("echo stop >/proc/net/pktgen/pgctrl")
        self.limit(index, options, 0)
        pps = int(re.search(r"(\d+)pps", guests[2].expect("while ! grep pps /tmp/flood; do sleep 0.1; done"))[1])
        return [under / without], {"without_p99": without, "flood_p99": under, "lost": lost, "flood_pps": pps}


class AttackBusy(Attack):
    name = "attack_busy_p99"

    def begin(self, guests):
        guests[2].expect("(while :; do :; done) & echo $! >/tmp/busy")

    def end(self, guests):
        guests[2].expect("kill $(cat /tmp/busy)")


class AttackLimited(AttackBusy):
    name = "attack_limited_p99"

    def limit(self, index, options, packets):
        crowd.LIMIT[options.paths.split(",")[index - 1]](index, 3, packets)


KINDS = {kind.name: kind for kind in (Aggregate, Attack, AttackBusy, AttackLimited)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--guests", type=int, default=16, help="two and two are pairs")
    parser.add_argument("--seconds", type=int, default=8, help="of the TCP streams")
    parser.add_argument("-n", type=int, default=800, help="round trips, each with and without the flood")
    parser.add_argument("--limit", type=int, default=1000, help="packets per second, of attack_limited_p99")
    parser.add_argument("--burst", type=int, default=8, help="packets pktgen sends with one kick")
    return parser.parse_args()


def main():
    options = parse()
    lab = crowd.Crowd(options, options.guests, tools=True, mem="128M")
    lab.start()
    traffic.run(KINDS, lab, "many.json")
    lab.stop()


if __name__ == "__main__":
    main()
