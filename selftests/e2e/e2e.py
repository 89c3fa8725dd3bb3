#!/usr/bin/env python3
"""End-to-end tests: stock QEMU, guests, queztl.ko and its tool together. Runs inside L1 (see ./run); prints KTAP.

    e2e.py [NAME...]        only tests whose name contains one of these words (and those that load the module)
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ktap
import world
import domain                   # world knows where vm is
import fabric
import vm
from ktap import Skip, check, say
from world import address, ask, counts, expect_ping, expect_silence, expect_talk, expect_udp, guest, guests, mac, port

NOBODY = 65534
MEGABYTE = 1 << 20


def expect_exit(code, *argv, user=None):
    found, _, err = world.queztl(*argv, user=user)
    check(found == code, f"queztl {' '.join(argv)}: exit {found}, not {code}: {err}")


def top(pid):
    """A VM in one interval of queztl top."""
    return next(found for found in ask("top", "--once")["vms"] if found["pid"] == pid)


# -- the module comes -------------------------------------------------------------------------------------------------
def without_the_module_the_tool_says_so():
    for command in (["info"], ["vms"], ["stats"], ["fabric", "list"], ["fabric", "add", "x"], ["port", "list"]):
        expect_exit(5, *command)
    expect_exit(1, "doctor")


def top_finds_a_vm_without_the_module():
    early = guest("early")
    early.expect("true")
    found = top(early.process.pid)
    check(found["ids"] == [] and found["name"] == "early" and found["counts"]["exits"] is None, f"top: {found}")
    # QEMU does not name its threads unless asked to: known by their time in the guest, which is counted in ticks.
    check(1 <= found["vcpu_threads"] <= 2 and found["other_threads"] >= 1, f"threads: {found}")
    check(found["counts"]["vcpu_cpu_ns"] > 0, f"the vCPUs of a VM that booted: {found['counts']}")


def a_vm_older_than_the_module_appears_by_itself():
    early = guest("early")
    world.load()
    world.wait_for("the VM appears", lambda: early.process.pid in world.vms(), 5)
    early.expect("true")
    world.make_fabrics()


# -- numbers ----------------------------------------------------------------------------------------------------------
def vms_and_stats_show_the_right_numbers():
    early = guest("early")
    pid = early.process.pid
    found = world.vms()[pid]
    threads = {int(path.name) for path in pathlib.Path(f"/proc/{pid}/task").iterdir()}
    tids = [vcpu["tid"] for vcpu in found["vcpus"]]
    check(len(tids) == 2 and len(set(tids)) == 2, f"vCPUs of the VM: {found['vcpus']}, expected 2")
    check(set(tids) <= threads, f"vCPU threads {tids} are not of process {pid}: {sorted(threads)}")
    check(found["uid"] == 0 and found["comm"].startswith("qemu") and found["name"] == "early",
          f"uid {found['uid']}, comm {found['comm']}, name {found['name']}")
    before = world.vm_counts(pid)
    early.expect("for i in 1 2 3 4 5; do usleep 10000; done")
    after, kvm = world.vm_counts(pid), early.stats()
    for name in ("exits", "halt_exits", *([] if vm.ARM64 else ["irq_injections"])):    # KVM does not count them there
        check(after[name] > before[name], f"{name} of a working VM stays {after[name]}")
    check(before["exits"] <= after["exits"] <= kvm["exits"], f"{after['exits']} exits, KVM says {kvm['exits']} later")


def schedstat(pid, tids):
    """What threads used, waited for, and how often they ran, summed up."""
    rows = [pathlib.Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split() for tid in tids]
    return [sum(int(row[at]) for row in rows) for at in range(3)]


def top_shows_what_schedstat_counts():
    early = guest("early")
    pid = early.process.pid
    vm_ = world.vms()[pid]
    tids = [vcpu["tid"] for vcpu in vm_["vcpus"]]
    before = schedstat(pid, tids)
    early.expect("for i in 1 2 3 4 5; do usleep 10000; done")
    found = top(pid)
    after = schedstat(pid, tids)
    check(found["ids"] == [vm_["id"]] and found["vcpus"] == 2 and found["vcpu_threads"] == 2, f"top: {found}")
    for at, name in enumerate(("vcpu_cpu_ns", "vcpu_ready_ns", "vcpu_switches")):
        check(before[at] <= found["counts"][name] <= after[at],
              f"{name} {found['counts'][name]}, schedstat had {before[at]} before and {after[at]} after")
    check(found["counts"]["vcpu_switches"] > before[2], "the vCPUs did not run")
    check(found["counts"]["exits"] <= early.stats()["exits"], f"more exits than KVM has: {found['counts']}")


def top_shows_the_time_without_quota():
    early = guest("early")
    pid = early.process.pid
    group = vm.make_cgroup("quota")

    def throttled():
        words = (group / "cpu.stat.local").read_text().split()
        return int(words[words.index("throttled_usec") + 1]) * 1000

    (group / "cgroup.procs").write_text(str(pid))
    (group / "cpu.max").write_text("20000 100000")
    try:
        early.expect("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done")
        before, found = throttled(), top(pid)["counts"]["throttled_ns"]
        check(0 < before <= found <= throttled(), f"{found} ns, {before} before and {throttled()} after")
    finally:
        (group.parent / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def info_counts_vms_and_fabrics():
    info = ask("info")
    check(info["vms"] == len(world.vms()), f"info says {info['vms']} VMs, vms lists {len(world.vms())}")
    check(info["fabrics"] == len(world.FABRICS), f"info says {info['fabrics']} fabrics")
    check("fabric" in info["features"], f"features: {info['features']}")
    check(info["kernel"] == os.uname().release, f"kernel {info['kernel']}")


# -- the tool ---------------------------------------------------------------------------------------------------------
def fabrics_come_and_go_by_the_tool():
    expect_exit(0, "fabric", "add", "green")
    check({found["name"] for found in ask("fabric", "list")} == {"blue", "red", "green"}, "green is not listed")
    expect_exit(1, "fabric", "add", "green")
    expect_exit(2, "fabric", "add", "no/name")
    expect_exit(1, "fabric", "del", "blue")        # it has ports
    expect_exit(0, "fabric", "del", "green")
    check({found["name"] for found in ask("fabric", "list")} == {"blue", "red"}, "green is still listed")


def ports_are_listed_as_they_were_made():
    listed = {found["name"]: found for found in ask("port", "list")}
    check(set(listed) == set(world.PORTS), f"ports listed: {sorted(listed)}")
    for name, (where, _, mtu) in world.PORTS.items():
        found = listed[name]
        check(found["fabric"] == where and found["mac"] == mac(name) and found["mtu"] == (mtu or 1500) and
              found["device"] == os.path.basename(world.NODES[name]), f"port {name}: {found}")


def what_does_not_exist_exits_with_3():
    expect_exit(3, "fabric", "del", "nowhere")
    expect_exit(3, "detach", "999999")
    expect_exit(3, "attach", "4000000")
    expect_exit(3, "attach", str(os.getpid()))      # holds no VM


def what_is_not_permitted_exits_with_4():
    for command in (["info"], ["vms"], ["fabric", "add", "x"], ["port", "list"]):
        expect_exit(4, *command, user=NOBODY)
    early = world.vms()[guest("early").process.pid]
    mode = os.stat("/dev/queztl").st_mode & 0o777
    try:
        os.chmod("/dev/queztl", 0o666)
        expect_exit(0, "info", user=NOBODY)
        expect_exit(4, "fabric", "add", "x", user=NOBODY)
        expect_exit(4, "fabric", "del", "red", user=NOBODY)
        expect_exit(4, "detach", str(early["id"]), user=NOBODY)
    finally:
        os.chmod("/dev/queztl", mode)


def doctor_finds_nothing_in_the_way():
    code, out, _ = world.queztl("doctor")
    check(code == 0, f"exit {code}: " + "; ".join(line for line in out.splitlines() if line.startswith("FAIL")))


def verdicts(guest_):
    """What doctor says of one VM, by name of the check."""
    code, out, err = world.queztl("doctor", "--vm", guest_.name, "--json")
    check(code in (0, 1) and not err, f"doctor --vm: exit {code}: {err}")
    return {found["name"]: found for found in json.loads(out)["checks"]}


def expect_remedy_helps(guest_, name, status, what):
    """The verdict is as said, and good once its remedy has been run."""
    found = verdicts(guest_)[name]
    check(found["status"] == status and what in found["what"], f"{name}: {found}")
    command = found["remedy"].removeprefix("sudo ").split(", then ")[0].split()
    if command[0] == "queztl":
        expect_exit(0, *command[1:])
    else:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    world.wait_for(f"{name} is good after {command}", lambda: verdicts(guest_)[name]["status"] == "ok", 10)


def doctor_examines_a_vm():
    a, _ = guests("a", "b")
    found = verdicts(a)
    for name in ("vm", "device", "direct", "vhost_vdpa", "memlock", "pinned", "port", "limits"):
        check(found[name]["status"] == "ok", f"{name}: {found[name]}")
    check(found["port"]["what"] == "blue-a is up, in fabric blue", f"{found['port']}")
    check(found["pinned"]["what"] == f"{pinned(a) // MEGABYTE} MiB", f"{found['pinned']}, {pinned(a)}")
    ram = int(re.search(r"its (\d+) MiB", found["map entries"]["what"])[1])
    # one port; it also maps the firmware and its like
    check(ram * MEGABYTE <= pinned(a) < (ram + 64) * MEGABYTE, f"{found['map entries']}: {pinned(a)} bytes are pinned")
    expect_exit(3, "doctor", "--vm", "nobody")


def remedies_of_doctor_help_a_vm():
    a, _ = guests("a", "b")
    resource.prlimit(a.process.pid, resource.RLIMIT_MEMLOCK, (MEGABYTE, resource.RLIM_INFINITY))
    expect_remedy_helps(a, "memlock", "fail", "1 MiB, but it needs")
    expect_exit(0, "port", "set", "blue-a", "link", "down")
    expect_remedy_helps(a, "port", "warn", "blue-a: its link was set down")
    expect_exit(0, "port", "set", "blue-a", "rate", "1mbit", "pps", "500")
    world.flood(a, address("blue-b"), mac("blue-b"))
    try:
        time.sleep(1)
        expect_remedy_helps(a, "limits", "warn", "held back now by its limits (rate 1mbit, pps 500")
        expect_exit(0, "port", "show", "blue-a")
    finally:
        world.stop_flood(a, address("blue-b"))
        expect_exit(0, "port", "set", "blue-a", "link", "up", "rate", "none", "pps", "none")
    expect_talk(a, address("blue-b"), 20)


def exporter_tells_what_stats_say():
    a, _ = guests("a", "b")
    expect_talk(a, address("blue-b"), 20)
    before, = counts("blue-a")
    code, out, err = world.queztl("exporter")
    after, = counts("blue-a")
    check(code == 0, f"exporter: exit {code}: {err}")
    values = dict(line.rsplit(" ", 1) for line in out.splitlines() if not line.startswith("#"))

    def value(metric, labels):
        return float(values[f"queztl_{metric}{{{labels}}}"])
    blue, vm_ = 'port="blue-a",fabric="blue"', f'vm="a",pid="{a.process.pid}"'
    sent = value("port_transmit_packets_total", blue)
    check(0 < before["tx_packets"] <= sent <= after["tx_packets"], f"{sent} frames, stats say {before}, {after}")
    check(value("port_state", blue + ',state="up"') == 1, "the port is not up")
    check(value("vm_vcpus", vm_) == len(world.vms()[a.process.pid]["vcpus"]), "another number of vCPUs")
    check(value("vm_cpu_seconds_total", vm_ + ',thread="vcpu"') > 0, "the vCPUs have used no time")
    check(any(name.startswith("queztl_vm_exits_total{" + vm_) and float(count) > 0 for name, count in values.items()),
          "no exits")


# -- two guests and more ----------------------------------------------------------------------------------------------
def two_guests_ping_and_lose_no_datagram():
    a, b = guests("a", "b")
    expect_ping(a, address("blue-b"), 5)
    expect_ping(b, address("blue-a"), 5)
    expect_udp(a, address("blue-b"), 600)           # more than the 256 entries of its rings
    expect_udp(b, address("blue-a"), 300, 1400)


def large_frames_pass_up_to_the_mtu():
    a, b = guests("a", "b")
    check(int(a.expect("cat /sys/class/net/eth0/mtu")) == world.JUMBO, "the guest does not know the port's MTU")
    for size in (1472, 1473, 4000, world.JUMBO - 28):
        expect_ping(a, address("blue-b"), 2, size)
    expect_udp(b, address("blue-a"), 50, world.JUMBO - 28)
    check(counts("blue-b")[0]["drops"]["no_space"] == 0, "a frame found no space")


def captured_frames_are_what_tcpdump_reads():
    if not shutil.which("tcpdump"):
        raise Skip("no tcpdump")
    a, _ = guests("a", "b")
    path = "/run/queztl-e2e.pcapng"
    capture = subprocess.Popen([world.QUEZTL, "capture", "blue-a", "-w", path, "-c", "20"], stderr=subprocess.PIPE, text=True)
    expect_ping(a, address("blue-b"), 12)
    check(capture.wait(20 * vm.SLOW) == 0, f"queztl capture failed: {capture.stderr.read()}")
    check(os.stat(path).st_mode & 0o077 == 0, "others may read the file")
    lines = subprocess.run(["tcpdump", "-nr", path, "icmp"], check=True, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL).stdout.splitlines()
    there, back = (f"{address(one)} > {address(other)}: ICMP echo {kind}" for one, other, kind in
                   (("blue-a", "blue-b", "request"), ("blue-b", "blue-a", "reply")))
    check(sum(there in line for line in lines) >= 8 and sum(back in line for line in lines) >= 8,
          "tcpdump does not see the echoes:\n" + "\n".join(lines))


def qemu_10_talks_with_qemu_7():
    a, c = guests("a", "c")
    expect_talk(c, address("blue-a"))
    expect_udp(a, address("blue-c"), 100, world.JUMBO - 28)


def unicast_between_two_is_not_seen_by_a_third():
    a, _, _ = guests("a", "b", "c")
    expect_ping(a, address("blue-b"))               # both know each other's address now
    before, at_b = counts("blue-c", "blue-b")
    expect_udp(a, address("blue-b"), 200, 1000)
    after, now_at_b = counts("blue-c", "blue-b")
    seen = after["rx_bytes"] - before["rx_bytes"]
    check(now_at_b["rx_bytes"] - at_b["rx_bytes"] > 200 * 1000, "the frames did not reach their receiver's counter")
    check(seen < 1000, f"the third port received {seen} bytes")     # less than one frame: stray ARP or IPv6 multicast


def broadcast_reaches_both_others():
    a, b, c = guests("a", "b", "c")
    for each in (b, c):
        each.expect("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts")
    before = counts("blue-b", "blue-c")
    _, text = a.run("ping -c 3 -i 0.5 -W 5 10.1.0.255")
    after = counts("blue-b", "blue-c")
    for name, old, new in zip("bc", before, after):
        check(new["rx_packets"] - old["rx_packets"] >= 3, f"port of {name} received {new['rx_packets']} broadcasts")
        check(f"from {address('blue-' + name)}:" in text, f"guest {name} did not answer a broadcast: {text}")


def two_fabrics_are_isolated():
    a, b, _ = guests("a", "b", "c")
    expect_talk(b, address("red-c"), 50)
    unknown = "10.1.0.77"
    (sender,), red = counts("blue-a"), counts("red-b", "red-c")
    a.expect(f"arp -s {unknown} {mac('red-c')}")
    expect_silence(a, unknown, 1000)
    a.run("ping -c 3 -i 0.2 -W 1 -s 1000 10.1.0.255")
    (sender_now,), red_now = counts("blue-a"), counts("red-b", "red-c")
    a.expect(f"arp -d {unknown}")
    check(sender_now["tx_bytes"] - sender["tx_bytes"] > 3000, "the broadcasts were not sent")
    check(sender_now["drops"]["no_port"] - sender["drops"]["no_port"] >= 3, "frames to the other fabric's MAC are lost")
    for old, new in zip(red, red_now):
        seen = new["rx_bytes"] - old["rx_bytes"]
        check(seen < 1000, f"a port of the other fabric received {seen} bytes")     # less than one frame


def a_changed_mac_is_refused():
    """The control queue says so to the guest's driver; what a driver that does not ask sends is swguest's to test."""
    a, _ = guests("a", "b")
    code, text = a.run("ip link set eth0 down; ip link set eth0 address 52:54:00:e2:ff:ff")
    a.expect("ip link set eth0 up")
    check(code, f"the guest could change its address: {text}")
    check(mac("blue-a") in a.expect("cat /sys/class/net/eth0/address"), "the guest's address has changed")
    expect_talk(a, address("blue-b"), 50)


# -- other machines, rings --------------------------------------------------------------------------------------------
def talk_with_a(name, count=200):
    a, other = guests("a", name)
    expect_talk(other, address("blue-a"), count)
    expect_talk(a, address("blue-d"), 50)


def rings_of_1024_entries_work():
    talk_with_a("wide", 1200)                       # more than a ring's entries


def a_q35_guest_talks_with_a_microvm_guest():
    talk_with_a("q35")


def a_nic_is_unplugged_under_load_and_plugged_again():
    """By the guest's hot-plug controller, while frames for it arrive; the next device takes the port anew."""
    a, other = guests("a", "q35")
    monitor = other.monitor()
    world.flood(a, address("blue-d"), mac("blue-d"))
    try:
        monitor.ask("device_del", id="nic")
        monitor.wait_for("DEVICE_DELETED", device="nic")
        monitor.ask("netdev_del", id="net0")
        world.wait_for("the port has no VM", lambda: not port("blue-d")["state"] and not port("blue-d")["pid"], 5)
        monitor.ask("netdev_add", type="vhost-vdpa", id="net0", vhostdev=world.NODES["blue-d"])
        monitor.ask("device_add", driver="virtio-net-pci", netdev="net0", id="nic", bus="socket", mac=mac("blue-d"),
                    romfile="")
        other.expect("until [ -e /sys/class/net/eth0 ]; do usleep 100000; done; "
                     f"ip address add {address('blue-d')}/24 dev eth0; ip link set eth0 up")
    finally:
        world.stop_flood(a, address("blue-d"))
    check(port("blue-d")["pid"] == other.process.pid, f"the port's process: {port('blue-d')}")
    expect_talk(other, address("blue-a"))
    expect_talk(a, address("blue-d"), 50)


def pinned(guest_):
    """Bytes of a VMM's memory that devices may reach."""
    lines = pathlib.Path(f"/proc/{guest_.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPin:"))


def memory_is_plugged_under_load():
    """The map is replaced while frames pass. What comes while the rings stand still for that is lost, and counted."""
    if vm.ARM64:
        raise Skip("QEMU's virt plugs memory by ACPI, which a guest booted without firmware lacks")
    _, other = guests("a", "q35")
    monitor, before, (then,) = other.monitor(), pinned(other), counts("blue-d")
    token = other.post(f"qzping -n 2000 -w 0 -t 1000 {address('blue-a')}")
    for i in range(8):
        time.sleep(0.3)
        monitor.ask("object-add", **{"qom-type": "memory-backend-ram", "id": f"more{i}", "size": 32 * MEGABYTE})
        monitor.ask("device_add", driver="pc-dimm", id=f"dimm{i}", memdev=f"more{i}")
    more = pinned(other) - before
    code, text = other.finish(token, 600)
    (now,) = counts("blue-d")
    dropped = now["drops"]["down"] - then["drops"]["down"]
    say(f"frames that came while the rings stood still: {dropped}")
    check(not code and json.loads(text)["lost"] <= dropped, f"{dropped} frames dropped; the traffic meanwhile: {text}")
    check(more == 256 * MEGABYTE, f"{more / MEGABYTE:.0f} MB more are mapped, not 256")
    expect_talk(other, address("blue-a"), 50)


def a_guest_in_huge_pages_talks():
    pool = pathlib.Path("/proc/sys/vm/nr_hugepages")
    pool.write_text("64")                           # of 2 MB
    try:
        if int(pool.read_text()) < 64:
            raise Skip(f"{pool.read_text().strip()} of 64 huge pages to be had")
        talk_with_a("huge")
    finally:
        world.stop("huge")
        pool.write_text("0")


def a_program_of_dpdk_answers_a_guest():
    """A driver that polls, in user space: the port is virtio_user's, through vhost-vdpa."""
    if not shutil.which("dpdk-testpmd"):
        raise Skip("no dpdk-testpmd")
    a = guest("a")
    world.stop_users(["blue-d"])
    log = world.OUT / "testpmd.log"
    argv = ["dpdk-testpmd", "--lcores", "0@0,1@0", "--no-pci", "--no-huge", "-m", "64", "--no-shconf", "--no-telemetry",
            "--file-prefix", "e2e", "--vdev", f"net_virtio_user0,path={world.NODES['blue-d']},mac={mac('blue-d')}",
            "--", "--total-num-mbufs", "2048", "--no-mlockall", "--forward-mode", "icmpecho", "--stats-period", "1"]
    with open(log, "wb") as out:
        testpmd = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        world.wait_for("testpmd's port is up",
                       lambda: testpmd.poll() is not None or "up" in port("blue-d")["state"], 60)
        check(testpmd.poll() is None, f"testpmd: {log.read_text(errors='replace')[-300:]}")
        world.ping(a, address("blue-d"), 1)         # the first may wait for its polling to begin
        expect_ping(a, address("blue-d"), 10, 1000)
    finally:
        testpmd.send_signal(signal.SIGINT)
        testpmd.wait(30 * vm.SLOW)
    check(testpmd.returncode == 0, f"testpmd's exit code is {testpmd.returncode}")


def a_guest_starts_from_a_stable_name():
    """QEMU opens what `port add` says, whatever the number of the device is."""
    a = guest("a")
    world.PORTS["blue-e"] = ("blue", 5, None)
    expect_exit(0, "port", "add", "blue-e", "fabric", "blue", "mac", mac("blue-e"), "for", "vm")
    world.NODES["blue-e"] = port("blue-e")["path"]
    check(world.NODES["blue-e"] == "/run/queztl/ports/blue-e", f"the port's name: {port('blue-e')}")
    named = guest("named")
    check(port("blue-e")["pid"] == named.process.pid, f"the port's process: {port('blue-e')}")
    expect_ping(a, address("blue-e"))
    world.stop("named")
    expect_exit(0, "port", "del", "blue-e")
    check(not os.path.lexists(world.NODES["blue-e"]), "the name is left")


def a_domain_of_libvirt_has_a_port():
    """From XML; libvirt opens the port by its name and raises the limit of locked memory."""
    if not domain.is_there():
        raise Skip("no libvirt")
    if vm.SLOW > 1:
        raise Skip("this host is too slow: libvirt gives up asking QEMU what it can")
    a = guest("a")
    world.stop_users(["blue-d"])
    expect_exit(0, "udev-port", "blue-d")           # here is no udev to do it
    named = vm.vdpa(mac("blue-d"), f"{address('blue-d')}/24", port("blue-d")["path"])
    with domain.Daemon():
        virtual = domain.Domain("virtual", [named], mem="128", emulator="7").start()
        try:
            virtual.wait_ready()
            check(port("blue-d")["pid"] == virtual.process.pid and virtual.process.pid in world.vms(),
                  f"the port's process: {port('blue-d')}, VMs: {world.vms()}")
            expect_ping(a, address("blue-d"))
            expect_ping(virtual, address("blue-a"), 3, 1400)
            domain.virsh("suspend", "virtual")
            domain.virsh("resume", "virtual")
            expect_ping(a, address("blue-d"))
        finally:
            virtual.stop()


def the_guide_leads_to_two_domains_that_talk():
    """The commands of Documentation/guide.rst, as they stand there."""
    if not domain.is_there():
        raise Skip("no libvirt")
    if vm.SLOW > 1:
        raise Skip("this host is too slow: libvirt gives up asking QEMU what it can")
    guide = pathlib.Path(os.environ["QZ_SRC"], "Documentation/guide-domains.sh")
    check(len(guide.read_text().splitlines()) + 2 <= 10, "more than ten commands, with those that install and start")
    pathlib.Path("/etc/queztl").mkdir(exist_ok=True)        # the package has it
    with domain.Daemon(), tempfile.TemporaryDirectory() as programs:
        pathlib.Path(programs, "queztl").symlink_to(world.QUEZTL)
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "LIBVIRT_DEFAULT_URI": "qemu:///system"}
        web = domain.Defined("web", "52:54:00:00:00:01", "10.8.0.1/24", mem="128", emulator="7")
        db = domain.Defined("db", "52:54:00:00:00:02", "10.8.0.2/24", mem="128", emulator="7")
        try:
            vm.sh("bash", "-euo", "pipefail", "-c", guide.read_text(), env=environment)
            web.adopt().wait_ready()
            db.adopt().wait_ready()
            expect_ping(web, "10.8.0.2")
            expect_ping(db, "10.8.0.1", 3, 1400)
            check(ask("apply", "--dry-run")["commands"] == [], "what was saved is not what there is")
        finally:
            web.stop()
            db.stop()
            for name in ("web0", "db0"):
                subprocess.run([world.QUEZTL, "port", "del", name], check=False)
            subprocess.run([world.QUEZTL, "fabric", "del", "lan"], check=False)
            pathlib.Path("/etc/queztl/host.conf").unlink(missing_ok=True)


def the_tutorial_does_what_it_says():
    """The commands of Documentation/tutorial.rst, as they stand there, with a compiler that finds what is not installed."""
    if not shutil.which("cc"):
        raise Skip("no compiler")
    guest("a")
    source, built = os.environ["QZ_SRC"], os.environ["QZ_BUILD"] + "/userspace"
    with tempfile.TemporaryDirectory() as directory:
        programs = pathlib.Path(directory, "bin")
        programs.mkdir()
        (programs / "queztl").symlink_to(world.QUEZTL)
        found = programs / "pkg-config"
        found.write_text(f"#!/bin/sh\necho -I{source}/userspace/lib -I{source}/uapi -I{source} {built}/libqueztl.a\n")
        found.chmod(0o755)
        for example in pathlib.Path(source, "userspace/examples").glob("*.c"):
            shutil.copy(example, directory)
        try:
            said = vm.sh("bash", "-euo", "pipefail", "-c", pathlib.Path(source, "Documentation/tutorial.sh").read_text(),
                         cwd=directory, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
            check(re.search(r"^VM \d+, .*: \d+ exits/s$", said, re.M), said)
            check(re.search(r"^1000 questions, \d+ ns each$", said, re.M), said)
            check(ask("port", "show", "web0")["peers"] == ["db0"], "the pair is not allowed")
        finally:
            for words in (("port", "del", "web0"), ("port", "del", "db0"), ("fabric", "del", "prod"),
                          ("channel", "deny", "sums", "front", "back")):
                subprocess.run([world.QUEZTL, *words], check=False)


def a_hook_makes_the_ports_of_a_domain():
    if not domain.is_there():
        raise Skip("no libvirt")
    if vm.SLOW > 1:
        raise Skip("this host is too slow: libvirt gives up asking QEMU what it can")
    a = guest("a")
    with domain.Hook(world.QUEZTL), domain.Daemon():        # libvirt looks for hooks when it starts
        own = f"10.{world.FABRICS['blue']}.0.99"
        hooked = domain.Hooked("hooked", "hook0", "52:54:00:00:0b:09", f"{own}/24",
                               f"fabric='blue' rate='500mbit' addresses='{own} fe80::/10'", mem="128", emulator="7")
        try:
            domain.virsh("start", "hooked")
            hooked.adopt().wait_ready()
            check(port("hook0")["pid"] == hooked.process.pid, f"{port('hook0')}")
            check(ask("port", "show", "hook0")["limits"]["tx_bytes"] == 62500000, "the rate is not what the metadata say")
            expect_ping(hooked, address("blue-a"))
            expect_ping(a, own)
        finally:
            hooked.stop()
        check("hook0" not in [found["name"] for found in ask("port", "list")], "the port is left")
        wrong = domain.Hooked("wrong", "hook1", "52:54:00:00:0b:0a", f"{own}/24", "fabric='none'", mem="128",
                              emulator="7")
        try:
            domain.virsh("start", "wrong")
            check(False, "a domain started without its port")
        except RuntimeError as error:
            check("no fabric none" in str(error), f"{error}")
        finally:
            wrong.stop()


def a_virtio_mmio_guest_talks():
    talk_with_a("mmio")


def a_virtio_mmio_guest_of_the_other_qemu_talks():
    talk_with_a("mmio-other")


# -- resets -----------------------------------------------------------------------------------------------------------
def traffic_works_after_interface_down_and_up():
    a, _ = guests("a", "b")
    for _ in range(3):
        a.expect("ip link set eth0 down && ip link set eth0 up")
        expect_ping(a, address("blue-b"))
    expect_udp(a, address("blue-b"), 100)


def traffic_works_after_the_driver_is_bound_anew():
    a, b = guests("a", "b")
    device = a.expect("basename $(readlink /sys/class/net/eth0/device)").strip()
    driver = "/sys/bus/virtio/drivers/virtio_net"
    for _ in range(3):
        a.expect(f"echo {device} > {driver}/unbind")
        check("up" not in port("blue-a")["state"], "the port is up without a driver")
        expect_silence(b, address("blue-a"))
        a.expect(f"echo {device} > {driver}/bind; ip address add {address('blue-a')}/24 dev eth0; "
                 "ip link set eth0 up")
        expect_ping(a, address("blue-b"))
    expect_talk(b, address("blue-a"), 100)


def traffic_works_after_a_guest_reboot():
    a, b = guests("a", "b")
    pid = a.process.pid
    world.flood(b, address("blue-a"), mac("blue-a"))
    try:
        a.reboot()
    finally:
        world.stop_flood(b, address("blue-a"))
    a.expect("qzping -s >/dev/null 2>&1 &")
    check(a.process.poll() is None and pid in world.vms(), "the VM did not live on")
    expect_talk(a, address("blue-b"), 100)
    expect_talk(b, address("blue-a"), 100)


def a_paused_vm_goes_on():
    """Nothing runs in a VM that its administrator has paused, frames for it go nowhere; afterwards it is as before."""
    a, b = guests("a", "b")
    monitor = a.monitor()
    world.flood(b, address("blue-a"), mac("blue-a"))
    try:
        for _ in range(10):
            monitor.ask("stop")
            time.sleep(0.2)
            monitor.ask("cont")
            time.sleep(0.2)
    finally:
        world.stop_flood(b, address("blue-a"))
    check("broken" not in port("blue-a")["state"], f"the port's state: {port('blue-a')['state']}")
    expect_talk(a, address("blue-b"), 600)          # more than the 256 entries of its rings
    expect_talk(b, address("blue-a"), 100)


def expect_multicast(source, name, heard, device="eth0"):
    """Whether the guest of a port wants frames to a group that it has not joined."""
    before, = counts(name)
    source.run(f"ping -c 10 -i 0.2 -W 1 -I {device} 224.9.8.7", seconds=60)
    after, = counts(name)
    arrived = after["rx_packets"] - before["rx_packets"]
    check((arrived >= 10) == heard,
          f"{name} got {arrived} frames of 10 to a foreign group, expected {'all' if heard else 'none'}")


def what_a_guest_has_set_outlasts_a_pause():
    """QEMU resets the port, and has not seen the commands; the guest knows of no reset."""
    a, b, c = guests("a", "b", "c")
    for paused, name in (a, "blue-a"), (c, "blue-c"):           # QEMU 7.2 and 10
        monitor = paused.monitor()
        for allmulti in "allmulti", "-allmulti":
            paused.expect(f"ifconfig eth0 {allmulti}")
            expect_multicast(b, name, allmulti == "allmulti")
            for _ in range(2):
                monitor.ask("stop")
                monitor.ask("cont")
                expect_talk(b, address(name), 20)
                expect_multicast(b, name, allmulti == "allmulti")
        paused.expect("ifconfig eth0 promisc")
        monitor.ask("stop")
        monitor.ask("cont")
        expect_multicast(b, name, True)
        paused.expect("ifconfig eth0 -promisc")
        expect_multicast(b, name, False)


class Migratable:
    """A port that QEMU 10 can shadow, while the test lasts; a guest with it."""

    def __init__(self, where, name, last, addr, **more):
        if vm.QEMU["10"] == vm.QEMU["7"]:
            raise Skip("this host has no QEMU 10")
        self.name, self.mac, self.where = name, f"52:54:00:e2:01:{last:02x}", where
        self.guest = {"name": name, "emulator": "10", **more}
        self.address = addr

    def __enter__(self):
        found = ask("port", "add", self.name, self.where, "mac", self.mac, "migratable")
        nic = vm.vdpa(self.mac, f"{self.address}/24", f"/dev/{found['device']}")
        self.guest = vm.Guest(nics=[nic], **self.guest)
        return self.guest

    def __exit__(self, *_):
        self.guest.stop()
        expect_exit(0, "port", "del", self.name)


def expect_no_complaint(guest_):
    said = (guest_.tmp / "qemu.log").read_text(errors="replace")
    check("vdpa" not in said and "vhost" not in said, f"QEMU of {guest_.name} says: {said[:500]}")


def commands(name):
    """How many a port with one queue pair has carried out."""
    text = subprocess.run(["vdpa", "dev", "vstats", "show", name, "qidx", "2"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return int(re.search(r"commands (\d+)", text)[1])


def commands_are_replayed_by_a_vmm_that_sees_them():
    """The port has an address space for the control queue: QEMU 10 takes the guest's commands and repeats them."""
    b = guest("b")
    with Migratable("blue", "blue-s", 5, "10.1.0.5") as shadowed:
        shadowed.start().wait_ready()
        monitor = shadowed.monitor()
        for mode in "allmulti", "-allmulti":
            shadowed.expect(f"ifconfig eth0 {mode}")
            expect_ping(b, "10.1.0.5")
            expect_multicast(b, "blue-s", mode == "allmulti")
            before, seconds = commands("blue-s"), time.monotonic()
            for _ in range(3):
                monitor.ask("stop")
                monitor.ask("cont")
            seconds = time.monotonic() - seconds
            expect_ping(b, "10.1.0.5")
            expect_multicast(b, "blue-s", mode == "allmulti")
            say(f"{commands('blue-s') - before} commands for three pauses, which took {seconds:.2f} s")
            check(commands("blue-s") > before, "no command was repeated: QEMU leaves them to the port")
        expect_no_complaint(shadowed)


def a_vm_moves_with_all_it_has_set():
    """The fabrics stand for those of two hosts. The other guest has a port in each."""
    peer = guest("vlans")
    peer.expect("vconfig add eth1 100 && ip address add 10.9.0.2/24 dev eth1.100 && ip link set eth1.100 up")
    with Migratable("blue", "blue-m", 6, "10.1.0.6", kernel="cloud") as source, \
            Migratable("red", "red-m", 6, "10.1.0.6", kernel="cloud", extra=["-incoming", "defer"]) as target:
        source.start().wait_ready()
        source.expect("qzping -s >/dev/null 2>&1 & ip address add 10.2.0.6/24 dev eth0 && vconfig add eth0 100 && "
                      "ip address add 10.9.0.6/24 dev eth0.100 && ip link set eth0.100 up && ifconfig eth0 allmulti")
        expect_talk(peer, "10.1.0.6", 50)
        expect_silence(peer, "10.9.0.6")
        target.start()
        world.wait_for("the target listens", lambda: (target.tmp / "monitor").exists(), 10)
        found = source.move(target)
        say(f"downtime {found['downtime']} ms of {found['total-time']} ms")
        source.stop()
        expect_talk(peer, "10.2.0.6", 50)
        expect_talk(target, address("red-b"), 50)
        expect_ping(peer, "10.9.0.6")
        expect_multicast(peer, "red-m", True, "eth1")
        target.expect("ifconfig eth0 -allmulti")
        expect_multicast(peer, "red-m", False, "eth1")
        expect_no_complaint(source)
        expect_no_complaint(target)


def a_low_rate_does_not_time_out_a_guest():
    """Its frames go to an address that never answers, so only interrupts for sent frames make it go on."""
    a, _ = guests("a", "b")
    silent = "10.1.0.99"
    before, = counts("blue-a")
    expect_exit(0, "port", "set", "blue-a", "rate", "128kbit")
    try:
        world.flood(a, silent, "52:54:00:e2:01:63")
        time.sleep(15)
        world.stop_flood(a, silent)
        said = a.expect("dmesg")
    finally:
        expect_exit(0, "port", "set", "blue-a", "rate", "none")
    after, = counts("blue-a")
    late = after["drops"]["rate"] - before["drops"]["rate"]
    say(f"{late} frames were late")
    check("NETDEV WATCHDOG" not in said and "transmit queue" not in said, f"the guest says: {said[-500:]}")
    check(late > 0, "the flood was not above the rate")
    expect_talk(a, address("blue-b"), 20)


# -- crashes ----------------------------------------------------------------------------------------------------------
def a_killed_qemu_leaves_its_peer_and_port_usable():
    a, b = guests("a", "b")
    gone, peer = b.process.pid, a.process.pid
    check(port("blue-b")["pid"] == gone, f"port of process {port('blue-b')['pid']}, not {gone}")
    world.flood(a, address("blue-b"), mac("blue-b"))
    time.sleep(1)
    try:
        b.kill()
        ended = asked = time.monotonic()
        while gone in world.vms():
            asked = time.monotonic()
            check(asked - ended < vm.SLOW, f"the VM is listed {vm.SLOW} s after its process has ended")
        say(f"the VM was gone from a list begun {asked - ended:.2f} s after the process's end")
        world.forget(b)
        found = port("blue-b")
        check(found["state"] == [] and not found["pid"], f"the dead VM's port: {found}")
        check(peer in world.vms() and "up" in port("blue-a")["state"], "the peer's VM or port did not survive")
        before, _ = counts("blue-b", "blue-a")
        time.sleep(1)
        after, _ = counts("blue-b", "blue-a")
        check(after["drops"]["down"] > before["drops"]["down"], "the flood to the closed port is not counted")
        guest("b")                                  # the port is taken again while the flood goes on
    finally:
        world.stop_flood(a, address("blue-b"))
    a, b = guests("a", "b")
    expect_talk(a, address("blue-b"), 100)
    expect_talk(b, address("blue-a"), 100)


def memory():
    """What is free, and the unreclaimable slab, in bytes, with all caches dropped."""
    os.sync()
    for _ in range(3):
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        time.sleep(0.3)
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    found = {words[0].rstrip(":"): int(words[1]) * 1024 for words in map(str.split, lines)}
    return found["MemAvailable"], found["SUnreclaim"]


def total_memory():
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def slabs_of_queztl():
    lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines if "queztl" in line}


def live_and_die(look=lambda: None):
    """One short life of a VM; `look` is called at its height and its result returned."""
    short = world.build("short").start()
    pid = short.process.pid
    try:
        world.wait_for_port("blue-d", short)
        check(pid in world.vms(), "the short-lived VM is not listed")
        seen = look()
    finally:
        world.kill(short)
    world.wait_for("the killed VM is gone", lambda: pid not in world.vms(), 1)
    return seen


def ten_killed_vms_leave_nothing():
    """A VM's memory is pinned through its port (96 MB each): a single leaked map is more than the margin of 48 MB.

    KASAN keeps up to 1/32 of all memory in quarantine: there it is two leaked maps, or three.
    """
    quarantine = total_memory() // 32 if vm.SLOW > 1 else 0
    world.stop_all()
    without, _ = memory()
    with_one, _ = live_and_die(memory)              # also whatever is allocated once
    check(without - with_one > 90 * MEGABYTE, f"one VM took {(without - with_one) / MEGABYTE:.0f} MB: is it pinned?")
    slabs, (available, unreclaimable) = slabs_of_queztl(), memory()
    for _ in range(10):
        live_and_die()
    now_slabs, (now_available, now_unreclaimable) = slabs_of_queztl(), memory()
    lost, grown = available - now_available, now_unreclaimable - unreclaimable
    say(f"10 VMs: available {-lost / MEGABYTE:+.1f} MB, unreclaimable slab {grown / MEGABYTE:+.2f} MB")
    check(lost < 48 * MEGABYTE + quarantine, f"{lost / MEGABYTE:.0f} MB less available after 10 VMs")
    check(grown < 4 * MEGABYTE + quarantine, f"unreclaimable slab grew by {grown / MEGABYTE:.1f} MB")
    check(all(count <= slabs.get(name, 0) for name, count in now_slabs.items()), f"slabs: {slabs} -> {now_slabs}")
    check(world.vms() == {}, f"VMs left: {world.vms()}")
    check(world.references() == 0, f"module in use {world.references()} times")


# -- the module goes --------------------------------------------------------------------------------------------------
def remove_module():
    done = subprocess.run(["rmmod", "queztl"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def rmmod_is_refused_under_load_and_breaks_nothing():
    a, b = guests("a", "b")
    world.flood(a, address("blue-b"), mac("blue-b"))
    try:
        before, = counts("blue-b")
        for _ in range(3):
            code, text = remove_module()
            check(code != 0, "rmmod removed the module under open ports")
            check("in use" in text, f"rmmod: {text}")
            time.sleep(0.3)
        after, = counts("blue-b")
        check(after["rx_packets"] > before["rx_packets"] + 50, "the load did not go on")
    finally:
        world.stop_flood(a, address("blue-b"))
    expect_talk(a, address("blue-b"), 100)
    expect_talk(b, address("blue-a"), 100)


def rmmod_works_when_no_port_is_open():
    early = guest("early")                          # a VM without a port does not hold the module
    world.stop_all(but=["early"])
    world.wait_for("the module is unused", lambda: world.references() == 0, 5)
    code, text = remove_module()
    check(code == 0, f"rmmod: {text}")
    left = [path for path in ("/dev/queztl", "/sys/bus/queztl", "/sys/module/queztl", "/sys/bus/vdpa/devices/blue-a")
            if os.path.exists(path)]
    check(not left, f"left behind: {left}")
    early.expect("true")
    expect_exit(5, "info")


def the_module_works_when_loaded_again():
    early = guest("early")
    world.fabric.load()
    world.wait_for("the VM appears", lambda: early.process.pid in world.vms(), 5)
    world.make_fabrics()
    a, _ = guests("a", "b")
    expect_talk(a, address("blue-b"), 100)
    world.stop_all()
    world.wait_for("the module is unused", lambda: world.references() == 0, 5)
    code, text = remove_module()
    check(code == 0, f"rmmod: {text}")


FIRST = [without_the_module_the_tool_says_so, top_finds_a_vm_without_the_module,
         a_vm_older_than_the_module_appears_by_itself]
TESTS = [
    vms_and_stats_show_the_right_numbers, top_shows_what_schedstat_counts, top_shows_the_time_without_quota,
    info_counts_vms_and_fabrics, fabrics_come_and_go_by_the_tool,
    ports_are_listed_as_they_were_made, what_does_not_exist_exits_with_3, what_is_not_permitted_exits_with_4,
    doctor_finds_nothing_in_the_way, doctor_examines_a_vm, remedies_of_doctor_help_a_vm, exporter_tells_what_stats_say,
    two_guests_ping_and_lose_no_datagram, large_frames_pass_up_to_the_mtu,
    captured_frames_are_what_tcpdump_reads, qemu_10_talks_with_qemu_7, unicast_between_two_is_not_seen_by_a_third, broadcast_reaches_both_others,
    two_fabrics_are_isolated, a_changed_mac_is_refused, rings_of_1024_entries_work,
    a_q35_guest_talks_with_a_microvm_guest, a_nic_is_unplugged_under_load_and_plugged_again,
    memory_is_plugged_under_load, a_guest_in_huge_pages_talks, a_guest_starts_from_a_stable_name,
    a_program_of_dpdk_answers_a_guest,
    a_domain_of_libvirt_has_a_port, the_guide_leads_to_two_domains_that_talk, the_tutorial_does_what_it_says,
    a_hook_makes_the_ports_of_a_domain, a_virtio_mmio_guest_talks, a_virtio_mmio_guest_of_the_other_qemu_talks,
    traffic_works_after_interface_down_and_up, traffic_works_after_the_driver_is_bound_anew,
    traffic_works_after_a_guest_reboot, a_paused_vm_goes_on,
    what_a_guest_has_set_outlasts_a_pause, commands_are_replayed_by_a_vmm_that_sees_them, a_vm_moves_with_all_it_has_set,
    a_low_rate_does_not_time_out_a_guest, a_killed_qemu_leaves_its_peer_and_port_usable,
    rmmod_is_refused_under_load_and_breaks_nothing, ten_killed_vms_leave_nothing, rmmod_works_when_no_port_is_open,
    the_module_works_when_loaded_again,
]


def main():
    chosen = [test for test in TESTS if len(sys.argv) < 2 or any(word in test.__name__ for word in sys.argv[1:])]
    log, started = world.KernelLog(), time.monotonic()

    def after(result):
        if result == "fail":
            world.save_consoles()
        log.look()

    failed = ktap.run(FIRST + chosen, after)
    say(f"{time.monotonic() - started:.0f} s, lab faults {len(world.LAB_FAULTS)}")
    world.stop_all()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
