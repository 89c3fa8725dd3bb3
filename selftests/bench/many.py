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
import vm                       # crowd knows where it is


def least_share(values):
    """1: all are equal."""
    return round(min(values) * len(values) / sum(values), 3) if values else None


class Aggregate:
    name, unit, better = "aggregate", "bit/s", "more"

    def __init__(self, segments):
        self.segments = segments

    def prepare(self, guests):
        for guest in guests[1::2]:
            guest.expect("iperf3 -s -D")
        if self.segments:
            for guest in guests:
                guest.expect(f"echo {self.segments} >/proc/sys/net/ipv4/tcp_min_tso_segs")

    @staticmethod
    def cpu(guests):
        """Microseconds that each pair's VMs have used, of their cgroups; their vhost threads are in them, too."""
        if not guests[0].cgroup:
            return []
        used = [int((guest.cgroup / "cpu.stat").read_text().split()[1]) for guest in guests]
        return [a + b for a, b in zip(used[::2], used[1::2])]

    @staticmethod
    def events(guests):
        """What each VM has done so far: VM exits and the like, by KVM's counters."""
        return [{name: stats.get(source, 0) for name, source in crowd.COUNTERS.items()}
                for stats in (guest.stats() for guest in guests)]

    @staticmethod
    def received(guests, index):
        """Frames and bytes that each guest's NIC has got so far."""
        names = [crowd.device(guest, index, host) for host, guest in enumerate(guests, 1)]
        return [[traffic.received(guest, name, what) for what in ("packets", "bytes")]
                for guest, name in zip(guests, names)]

    def turn(self, guests, index, options):
        got, seen = self.received(guests, index), self.events(guests)
        before = self.cpu(guests)
        slow_start = traffic.Stream.slow_start
        started = [sender.post(f"iperf3 -J -c {crowd.address(index, host + 1)} -O {slow_start} -t {options.seconds}")
                   for host, sender in enumerate(guests, 1) if host % 2]
        pairs, streams = [], []
        for sender, token in zip(guests[::2], started):
            code, text = sender.finish(token, 120 + 8 * options.seconds)
            if code:
                raise RuntimeError(f"iperf3 in guest {sender.name}: {text}")
            end = json.loads(text)["end"]
            pairs.append(end["sum_received"]["bits_per_second"])
            streams.append({"retransmits": end["sum_sent"]["retransmits"],
                            "cwnd": end["streams"][0]["sender"]["max_snd_cwnd"],
                            "rtt_us": end["streams"][0]["sender"]["mean_rtt"]})
        used = [after - start for start, after in zip(before, self.cpu(guests))]
        events = [vm.difference(start, after) for start, after in zip(seen, self.events(guests))]
        frames = [[after - start for start, after in zip(*both)] for both in zip(got, self.received(guests, index))]
        for pair, stream in enumerate(streams):
            stream.update({side: {"frames": frames[2 * pair + n][0], "bytes": frames[2 * pair + n][1],
                                  **events[2 * pair + n]} for n, side in enumerate(("sender", "receiver"))})
        return [sum(pairs)], {"pairs": pairs, "least_share": least_share(pairs), "cpu_us": used,
                              "least_cpu_share": least_share(used), "streams": streams}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    crowd.add_options(parser)
    parser.add_argument("--guests", type=int, default=16, help="two and two are pairs")
    parser.add_argument("--seconds", type=int, default=8, help="of the TCP streams")
    parser.add_argument("--min-tso-segs", type=int, metavar="N",
                        help="guests send so many segments at a time, however slow the stream is (default: 2)")
    return parser.parse_args()


def main():
    options = parse()
    lab = crowd.Crowd(options, options.guests, tools=True, mem="128M")
    lab.start()
    traffic.run([Aggregate(options.min_tso_segs)], lab, "many.json")
    lab.stop()


if __name__ == "__main__":
    main()
