#!/usr/bin/env python3
"""Which guest and VMM settings change what a round trip costs. Runs inside L1; the baseline path only.

One pair of guests per setting, plain ones first and last: the spread between those two is the noise.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/lab/l1")

import vm

COUNTERS = {"exits": "exits", "halts": "halt_exits", "interrupts": "irq_injections", "emulated": "insn_emulation",
            "windows": "irq_window_exits", "preempted": "preemption_other"}
N, WARMUP = int(os.environ.get("QZ_USER_N", 600)), 100

SETTINGS = [
    ("plain", {}),
    ("vmm: qemu 10", {"emulator": "10"}),
    ("cpu: no kvm-pv-eoi", {"cpu": "host,kvm-pv-eoi=off"}),
    ("cpu: no x2apic", {"cpu": "host,x2apic=off"}),
    ("cpu: no tsc-deadline", {"cpu": "host,tsc-deadline=off"}),
    ("nic: pio notify", {"device": ",modern-pio-notify=on"}),
    ("guest: nohz=off", {"append": "nohz=off"}),
    ("guest: highres=off nohz=off", {"append": "nohz=off highres=off"}),
    ("guest: haltpoll", {"append": "cpuidle_haltpoll.force=1"}),
    ("cpu: dedicated hint", {"cpu": "host,kvm-hint-dedicated=on"}),
    ("nic: no event index", {"device": ",event_idx=off"}),
    ("plain again", {}),
]


def pair(setting):
    device = setting.get("device", "")
    more = {name: value for name, value in setting.items() if name != "device"}
    return [vm.Guest(name, [vm.tap(f"52:54:00:00:00:0{host}", f"10.0.0.{host}/24", f"tap{host}", device=device)],
                     **more) for host, name in ((1, "a"), (2, "b"))]


def total(guests):
    stats = [guest.stats() for guest in guests]
    return {name: sum(one.get(source, 0) for one in stats) for name, source in COUNTERS.items()}


def measure(setting):
    guests = vm.start_all(pair(setting))
    try:
        guests[1].expect("qzping -s >/dev/null 2>&1 &")
        guests[0].expect("qzping -n 50 -w 50 10.0.0.2")
        before = total(guests)
        result = json.loads(guests[0].expect(f"qzping -n {N} -w {WARMUP} 10.0.0.2", 300))
        delta = vm.difference(before, total(guests))
        return {**result, **{name: round(value / (N + WARMUP), 2) for name, value in delta.items()}}
    finally:
        for guest in guests:
            guest.stop()


def main():
    vm.sh("modprobe", "-a", "tun", "vhost_net", "bridge")
    vm.make_bridge("br0")
    for host in (1, 2):
        vm.make_tap(f"tap{host}", "br0")
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    print(f"{'setting':<30}{'mean ms':>9}{'p50':>7}{'p99':>7}{'lost':>5}" + "".join(f"{name:>11}" for name in COUNTERS), flush=True)
    rows = {}
    for name, setting in SETTINGS:
        if only not in name:
            continue
        try:
            row = rows[name] = measure(setting)
        except (RuntimeError, TimeoutError) as error:
            print(f"{name:<30} failed: {str(error)[:200]!r}", flush=True)
            continue
        print(f"{name:<30}{row['mean'] / 1e6:>9.3f}{row['p50'] / 1e6:>7.2f}{row['p99'] / 1e6:>7.2f}{row['lost']:>5}" +
              "".join(f"{row[name]:>11.2f}" for name in COUNTERS), flush=True)
    with open(os.environ["QZ_OUT"] + "/settings.json", "w") as output:
        json.dump(rows, output, indent=1)


main()
