#!/usr/bin/env python3
"""A VM that moves between two hosts on one wire while it echoes paced datagrams: runs on both (see ./run); the first measures.

    fabric    VM - fabric - uplink - bridge - VXLAN - wire - VXLAN - bridge - uplink - fabric - VM
    bridge    VM - vhost-net - bridge - VXLAN - wire - VXLAN - bridge - vhost-net - VM

The datagrams come from the first host, where the VM is at first: its bridge has to learn where the VM has gone.
"""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ["QZ_SRC"])
sys.path[:0] = [str(SOURCE / "selftests/lab/l1"), str(SOURCE / "selftests/pair")]

import fabric
import vm
from line import HOST, PEER, WIRE, accept, connect
from vm import sh

BUILD = pathlib.Path(os.environ["QZ_BUILD"])
PACE = BUILD / "selftests/bench_pace"
NUMBER = {"a": 1, "b": 2}
INNER = 1500 - 50                   # VXLAN takes 50 bytes of the wire's
VM_MAC, VM_ADDRESS = "52:54:00:e4:00:10", "10.1.0.10"
TURNS = os.environ.get("QZ_USER_TURNS", "bridge fabric bridge fabric bridge fabric").split()
INTERVAL_US = int(os.environ.get("QZ_USER_INTERVAL_US", 10000))
MIGRATION = 7200


# -- on both hosts ----------------------------------------------------------------------------------------------------
def make_network():
    sh("modprobe", "-a", "bridge", "vxlan", "tun", "vhost_net", "virtio_net", "virtio_vdpa")
    sh("modprobe", "vhost_vdpa", "max_iotlb_entries=65536")
    vm.make_bridge("br0")
    sh("ip", "link", "add", "vx0", "mtu", INNER, "type", "vxlan", "id", 9, "dstport", 4789, "local", WIRE, "remote", PEER)
    fabric.load()
    fabric.add("blue")
    uplink = fabric.add_interface("blue", "up", f"52:54:00:e4:{NUMBER[HOST]:02x}:01", INNER)
    sh(fabric.QUEZTL, "port", "uplink", "up", "on")
    vm.make_tap("tap0", "br0")
    for device in (uplink, "vx0"):
        sh("ip", "link", "set", device, "master", "br0", "up")
    sh("ip", "address", "add", f"10.1.0.10{NUMBER[HOST]}/24", "dev", "br0")


def use_vhost_vdpa(name):
    """The drivers of both kinds are loaded, and the one that came first takes a new port."""
    device = fabric.VDPA_DEVICES / name
    if (device / "driver").resolve().name != "vhost_vdpa":
        if (device / "driver").exists():
            (device / "driver/unbind").write_text(name)
        (device / "driver_override").write_text("vhost_vdpa")
        pathlib.Path("/sys/bus/vdpa/drivers/vhost_vdpa/bind").write_text(name)
    return fabric.node_of(device)


def make_guest(path, *extra):
    device = f",host_mtu={INNER}"
    if path == "fabric":
        sh(fabric.QUEZTL, "port", "add", "vm", "blue", "mac", VM_MAC, "mtu", INNER, "migratable")
        nic = vm.vdpa(VM_MAC, f"{VM_ADDRESS}/24", use_vhost_vdpa("vm"), device)
    else:
        nic = vm.tap(VM_MAC, f"{VM_ADDRESS}/24", "tap0", device=device)
    return vm.Guest(f"{path}-{HOST}", [nic], emulator="10", mem="128M", extra=extra).start()


def end_guest(guest, path):
    guest.stop()
    if path == "fabric":
        sh(fabric.QUEZTL, "port", "del", "vm")


# -- the second host --------------------------------------------------------------------------------------------------
def reaches(target):
    return not subprocess.run(["ping", "-q", "-c1", "-W3", target], stdout=subprocess.DEVNULL).returncode


def look(guest):
    """What this host sees of the guest that has arrived; None: all is well."""
    if guest.process.poll() is not None:
        return f"its QEMU has ended with {guest.process.returncode}: {guest.said()}"
    code, text = guest.run("cat /proc/uptime; ip neigh; cat /sys/class/net/eth0/statistics/[rt]x_packets", 20)
    if code:
        return text
    if not reaches(VM_ADDRESS):
        return f"no answer here: {text}; {sh('bridge', 'fdb', 'show', 'br', 'br0')}"
    return None


def serve():
    make_network()
    line = accept()
    while path := line.hear():
        guest = make_guest(path, "-incoming", f"tcp:{WIRE}:{MIGRATION}")
        while not (guest.tmp / "monitor").exists():
            time.sleep(0.1)
        guest.connect()     # the guest's init ends when nobody holds the other end of its port
        line.say("listens")
        line.hear()
        line.say(look(guest))
        end_guest(guest, path)
        line.say("ended")


# -- the first host ---------------------------------------------------------------------------------------------------
def start_pace():
    pace = subprocess.Popen([PACE, "-i", str(INTERVAL_US), VM_ADDRESS, "7007"], stdout=subprocess.PIPE, text=True)
    time.sleep(5)
    return pace


def migrate(guest):
    monitor = guest.monitor()
    begin = time.monotonic()
    monitor.ask("migrate", uri=f"tcp:{PEER}:{MIGRATION}")
    while (found := monitor.ask("query-migrate"))["status"] not in ("completed", "failed", "cancelled"):
        if time.monotonic() - begin > 120 * vm.SLOW:
            raise RuntimeError(f"no end of the migration: {found}")
        time.sleep(0.2)
    if found["status"] != "completed":
        raise RuntimeError(f"the migration has {found['status']}: {found.get('error-desc')}")
    return found


def turn(line, path):
    guest = make_guest(path).wait_ready()
    guest.expect("qzping -s >/dev/null 2>&1 &")
    line.say(path)
    line.hear()
    pace = start_pace()
    found = migrate(guest)
    time.sleep(10)
    pace.send_signal(signal.SIGTERM)
    seen = json.loads(pace.communicate(timeout=60)[0])
    fdb = [row for row in sh("bridge", "fdb", "show", "br", "br0").splitlines() if VM_MAC in row]
    end_guest(guest, path)
    line.say("end")
    if trouble := line.hear():
        raise RuntimeError(f"{path}: the second host: {trouble}; this one has {fdb}")
    line.hear()
    seen |= {"path": path, "downtime_ms": found["downtime"], "total_ms": found["total-time"],
             "mbytes": round(found["ram"]["transferred"] / 1e6, 1)}
    print(f"{path:<8}{seen['gap_ms']:>10.1f}{seen['downtime_ms']:>10}{seen['total_ms']:>10}{seen['sent']:>8}"
          f"{seen['lost']:>7}{seen['twice']:>7}{seen['mbytes']:>8}  {seen['gaps']}", flush=True)
    return seen


def row(name, unit, key, turns, conditions):
    values = {path: [each[key] for each in turns if each["path"] == path] for path in ("fabric", "bridge")}
    value, base = (statistics.median(values[path]) for path in ("fabric", "bridge"))
    return {"name": name, "value": value, "unit": unit, "baseline_name": "bridge", "baseline": base,
            "ratio": round(base / value, 3) if value else None, "n": len(values["fabric"]), "p50": value,
            "p99": max(values["fabric"]), "conditions": {**conditions, **values}}


def main():
    make_network()
    line = connect()
    deadline = time.monotonic() + 60 * vm.SLOW
    while not reaches("10.1.0.102"):
        if time.monotonic() > deadline:
            raise RuntimeError("the hosts' bridges do not reach each other")
    print(f"{'path':<8}{'gap, ms':>10}{'QEMU, ms':>10}{'in all':>10}{'sent':>8}{'lost':>7}{'twice':>7}{'MB':>8}  gaps: at s, ms")
    turns = [turn(line, path) for path in TURNS]
    line.say(None)
    conditions = {"interval_us": INTERVAL_US, "qemu": "10", "mem": "128M",
                  "event": "the longest time between two echoes, at the first host; of its p99 the maximum",
                  **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}
    found = {"turns": turns, "conditions": conditions,
             "rows": [row("migrate_downtime", "ms", "gap_ms", turns, conditions),
                      row("migrate_lost", "datagrams", "lost", turns, conditions)]}
    (pathlib.Path(os.environ["QZ_OUT"]) / "migrate.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    serve() if HOST == "b" else main()
