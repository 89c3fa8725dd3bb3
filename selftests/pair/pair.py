#!/usr/bin/env python3
"""Two hosts joined by a wire, a VM on each, one network: runs on both (see ./run); the first prints KTAP.

    VM - fabric - uplink - bridge - VXLAN - WireGuard - wire - WireGuard - VXLAN - bridge - uplink - fabric - VM

The second host does what the first says, over a connection on the bare wire.
"""
import os
import pathlib
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ["QZ_SRC"])
sys.path[:0] = [str(SOURCE / "selftests/lab/l1"), str(SOURCE / "selftests/e2e")]

import fabric
import ktap
import vm
import world
from ktap import check
from line import HOST, PEER, SECONDS, WIRE, accept, connect, listen as listen_on_wire
from vm import sh
from world import expect_ping, expect_udp

NUMBER = {"a": 1, "b": 2}
TUNNEL = 51820
# Of the wire's 1500 bytes WireGuard takes 80 (over IPv6; over IPv4 60), VXLAN 50.
INNER = 1420 - 50


def address(host):
    return f"10.1.0.{NUMBER[host]}"


def mac(host, last):
    return f"52:54:00:e3:{NUMBER[host]:02x}:{last:02x}"


def inside(wire):
    """A host's address in the tunnel."""
    return f"198.51.100.{wire[-1]}"


def queztl(*argv):
    return sh(pathlib.Path(os.environ["QZ_BUILD"], "userspace/queztl"), *argv)


# -- a host -----------------------------------------------------------------------------------------------------------
def start_guest():
    fabric.load()
    fabric.add("blue")
    node = fabric.add_port("blue", "vm", mac(HOST, 1), INNER)
    nic = vm.vdpa(mac(HOST, 1), f"{address(HOST)}/24", node, f",host_mtu={INNER}")
    guest = vm.Guest(HOST, [nic]).start().wait_ready()
    guest.expect("qzping -s >/dev/null 2>&1 &")
    return guest


def make_keys():
    private = sh("wg", "genkey")
    return private, sh("wg", "pubkey", input=private).strip()


def join(private, public_of_peer):
    """The fabric's uplink and the tunnel to the other host in one bridge."""
    key = pathlib.Path("/run/wg.key")
    key.touch(0o600)
    key.write_text(private)
    sh("modprobe", "-a", "bridge", "virtio_vdpa", "virtio_net")     # now: the VM's port is to be vhost-vdpa's
    uplink = fabric.add_interface("blue", "up", mac(HOST, 2), INNER)
    queztl("port", "uplink", "up", "on")
    sh("ip", "link", "add", "wg0", "type", "wireguard")
    sh("wg", "set", "wg0", "listen-port", TUNNEL, "private-key", key, "peer", public_of_peer,
       "allowed-ips", f"{inside(PEER)}/32", "endpoint", f"{PEER}:{TUNNEL}")
    sh("ip", "address", "add", f"{inside(WIRE)}/24", "dev", "wg0")
    sh("ip", "link", "set", "wg0", "mtu", 1420, "up")
    sh("ip", "link", "add", "vx0", "mtu", INNER, "type", "vxlan", "id", 9, "dstport", 4789,
       "local", inside(WIRE), "remote", inside(PEER))
    vm.make_bridge("br0")
    for device in (uplink, "vx0"):
        sh("ip", "link", "set", device, "master", "br0", "up")
    sh("ip", "address", "add", f"10.1.0.10{WIRE[-1]}/24", "dev", "br0")


# -- the second host --------------------------------------------------------------------------------------------------
def serve():
    server = listen_on_wire()
    guest = start_guest()
    private, public = make_keys()
    line = accept(server)
    line.say(public)
    join(private, line.hear())
    line.say("joined")
    while command := line.hear():
        line.say(guest.run(*command))
    guest.stop()
    line.say("ended")


# -- the first host, and its tests ------------------------------------------------------------------------------------
class Far:
    """The VM on the other host, with the methods of one here."""

    name = "far"

    def __init__(self, line):
        self.line = line

    def run(self, command, seconds=60):
        self.line.say([command, seconds])
        return tuple(self.line.hear())

    expect = vm.Guest.expect


def wait_for_tunnel():
    """A handshake that was lost, as before the other side was there, is tried again after 5 s; pings do not wait so long."""
    deadline = time.monotonic() + SECONDS
    while subprocess.run(["ping", "-c1", "-W1", inside(PEER)], stdout=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError("no way through the tunnel")


def vms_on_two_hosts_talk():
    expect_ping(near, address("b"))
    expect_ping(far, address("a"))
    expect_udp(near, address("b"), 300, 64)
    expect_udp(far, address("a"), 100, 1000)


def fragments():
    lines = [line.split() for line in pathlib.Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")]
    counts = dict(zip(*lines))
    return int(counts["FragCreates"]) + int(counts["ReasmReqds"])


def the_mtu_is_right_from_end_to_end():
    """The VMs know it from their ports, and nothing is cut on the way."""
    before = fragments()
    for guest in (near, far):
        check(int(guest.expect("cat /sys/class/net/eth0/mtu")) == INNER, "the guest does not know the port's MTU")
    expect_ping(near, address("b"), size=INNER - 28)
    expect_udp(far, address("a"), 50, INNER - 28)
    check(fragments() == before, f"{fragments() - before} fragments on the wire")


def listen(guest, port, sink):
    """One connection's bytes into a command. Its input stays open: nc ends a connection that the other end has shut."""
    guest.expect(f"[ -e /tmp/never ] || mkfifo /tmp/never; nc -l -p {port} <>/tmp/never | {sink} >/tmp/got.{port} &")
    guest.expect(f"until netstat -ltn | grep -q :{port}; do usleep 50000; done")


def got(guest, port):
    return guest.expect(f"until [ -s /tmp/got.{port} ]; do usleep 50000; done; cat /tmp/got.{port}").split()[0]


def stream(source, sink, target):
    listen(sink, 7002, "md5sum")
    source.expect(f"head -c 3000000 /dev/urandom >/tmp/data; nc {target} 7002 </tmp/data", 200)
    sent = source.expect("md5sum </tmp/data")
    check(got(sink, 7002) == sent.split()[0], f"sent {sent}, got {got(sink, 7002)}")


def streams_arrive_whole():
    """What the VMs' TCP sends is larger than the tunnel takes: it is cut, and its checksums made, on the way."""
    stream(near, far, address("b"))
    stream(far, near, address("a"))


def nothing_on_the_wire_can_be_read():
    words = "said in confidence"
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sniffer.bind(("wire0", 0))
    sniffer.settimeout(1)
    listen(far, 7003, "wc -c")
    near.expect(f"for i in $(seq 200); do echo '{words}'; done | nc {address('b')} 7003")
    check(got(far, 7003) == str(200 * len(words + chr(10))), "the words did not arrive")
    tunnelled = clear = 0
    try:
        while True:
            frame = sniffer.recv(65536)
            clear += words.encode() in frame
            tunnelled += frame[12:14] == b"\x08\x00" and frame[23] == 17 and TUNNEL.to_bytes(2, "big") in frame[34:38]
    except TimeoutError:
        pass
    check(tunnelled > 5 and not clear, f"{tunnelled} frames of the tunnel, {clear} in the clear")


def the_hosts_reach_both_vms():
    for target in (address("a"), address("b"), "10.1.0.102"):
        done = subprocess.run(["ping", "-q", "-c", "3", "-i", "0.2", "-W", str(5 * vm.SLOW), target], text=True,
                              stdout=subprocess.PIPE)
        check(" 3 received" in done.stdout, f"{target}: {done.stdout}")


def a_denying_fabric_lets_nobody_out_but_peers_of_its_uplink():
    queztl("fabric", "set", "blue", "deny")
    _, text = near.run(f"ping -c 3 -i 0.2 -W 1 {address('b')}")
    check(" 0 packets received" in text, f"without a rule: {text}")
    queztl("policy", "allow", "vm", "up")
    expect_ping(near, address("b"))
    expect_udp(far, address("a"), 50, 64)
    queztl("fabric", "set", "blue", "open")


TESTS = [vms_on_two_hosts_talk, the_mtu_is_right_from_end_to_end, streams_arrive_whole,
         nothing_on_the_wire_can_be_read, the_hosts_reach_both_vms,
         a_denying_fabric_lets_nobody_out_but_peers_of_its_uplink]


def main():
    global near, far
    if subprocess.run(["modprobe", "-a", "wireguard", "vxlan"], stderr=subprocess.DEVNULL).returncode:
        print("1..0 # SKIP no WireGuard or VXLAN in this kernel", flush=True)
        sys.exit(4)
    if HOST == "b":
        serve()
        return
    near = start_guest()
    line = connect()
    private, public = make_keys()
    public_of_peer = line.hear()
    line.say(public)
    join(private, public_of_peer)
    line.hear()
    wait_for_tunnel()
    far = Far(line)
    log = world.KernelLog()
    failed = ktap.run(TESTS, lambda _: log.look())
    line.say(None)
    line.hear()
    near.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
