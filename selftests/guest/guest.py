#!/usr/bin/env python3
"""qhp_guest.ko in a stock kernel, with a stand-in for the host (standin.c): what the driver does with a host and peers that
behave, and with those that do not. Runs on this machine, in an emulated guest; prints KTAP.

    guest.py KERNEL [TEST...]       KERNEL as `selftests/lab/fetch kernel` knows it: old, cloud, new
"""
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "lab/l1"), str(HERE.parent / "e2e")]

from host import cache, emulator, kernel, process, verdict

os.environ["QZ_CACHE"] = str(cache.root())

import image
import ktap
import vm
from ktap import check, say

SLOTS, REGION = 8, 1 << 20
PROGRAMS = TOP / "build/selftests"
DRIVER = "/sys/bus/pci/drivers/qhp_guest"
# What the kernel says of any module of ours, and what this driver says of hosts that do not behave.
EXPECTED = ("out-of-tree module", "module verification failed", "qhp_guest")


class Emulated(vm.Guest):
    """Without KVM, with a window, and with a device like it that is none."""

    def __init__(self, name, socket, vectors, **more):
        devices = ["-chardev", f"socket,path={socket},id=window", "-device", "pcie-root-port,id=seat",
                   "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off", "-global", "ICH9-LPC.disable_s3=0",
                   "-device", f"ivshmem-doorbell,chardev=window,vectors={vectors},bus=seat,id=ivshmem",
                   "-object", "memory-backend-ram,id=plain,size=1M,share=on", "-device", "ivshmem-plain,memdev=plain"]
        # With one vCPU, TCG leaves the barrier out of a locked instruction, and doorbells to other threads get lost.
        super().__init__(name, machine="q35", extra=devices, cpu="max", mem="384M", cpus=2, **more)
        self.program = emulator.find("10")

    def argv(self):
        argv = super().argv()
        argv[argv.index("kvm")] = "tcg"
        return argv


class World:
    """The guest, the stand-in and what it said."""

    def __init__(self, name):
        self.name = name
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="qhp-guest-"))
        self.image = image.build(name)
        self.module = image.module_for(TOP / "build", kernel.stock(name).kdir)
        self.standin = self.guest = None

    def start(self, vectors=1 + SLOTS):
        socket = self.tmp / "socket"
        self.standin = process.start([PROGRAMS / "standin", socket, SLOTS, REGION, vectors], self.tmp / "said")
        while "ready" not in self.said():
            time.sleep(0.05)
        self.guest = Emulated("guest", socket, vectors, kernel=str(self.image))
        self.guest.initrd = image.make_initrd(self.image / "initrd", self.module, PROGRAMS / "qhptalk", self.tmp)
        self.guest.start().wait_ready(4 * vm.READY_SECONDS)    # the machine may be busy

    def said(self):
        path = self.tmp / "said"
        return path.read_text() if path.exists() else ""

    def stop(self):
        if self.guest:
            self.guest.stop()
            shutil.rmtree(self.guest.tmp)
        process.end(self.standin)
        shutil.rmtree(self.tmp)


WORLD = None


def guest():
    return WORLD.guest


def talk(*words, seconds=120):
    return guest().run(" ".join(["/qhp/qhptalk", *map(str, words)]), seconds)


def expect_talk(text, *words):
    code, said = talk(*words)
    check(code == 0 and text in said, f"qhptalk {' '.join(map(str, words))}: exit {code}: {said}")


def expect_errno(number, *words):
    code, said = talk(*words)
    check(code == number, f"qhptalk {' '.join(map(str, words))}: exit {code}, not {number}: {said}")


def dmesg():
    return guest().expect("dmesg")


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.2)


def said_since(mark):
    return WORLD.said()[mark:]


# -- the device -------------------------------------------------------------------------------------------------------
def takes_a_window_and_leaves_other_devices_alone():
    guest().expect("insmod /qhp/qhp_guest.ko")
    log = dmesg()
    check(f"QHP window: {SLOTS} slots of {REGION >> 10} KiB, /dev/qhp" in log, "the log does not tell of the window")
    check(log.count("not a QHP window: left alone") == 1, "the log does not tell of the other device")
    check("reset 0: 0" in WORLD.said(), "the host was not told to forget the driver before")
    guest().expect("test -c /dev/qhp")
    check(int(guest().expect("grep -c qhp0- /proc/interrupts")) == 1 + SLOTS, "interrupts")


def the_calls_follow_their_rules():
    expect_talk("rules hold", "rules", "echo")


# -- channels ---------------------------------------------------------------------------------------------------------
def who_connects_exchanges_messages():
    expect_talk("700 messages", "connect", "echo", "send", 700)


def who_listens_exchanges_messages():
    expect_talk("700 messages", "listen", "echo", "send", 700)


def all_slots_work_at_once():
    shell = " & ".join(f"/qhp/qhptalk connect echo send 200 >/tmp/talk{i} 2>&1" for i in range(SLOTS))
    guest().expect(f"{shell} & wait; cat /tmp/talk*")
    check(int(guest().expect("cat /tmp/talk* | grep -c '200 messages'")) == SLOTS, "not all of them got an echo")
    guest().expect("for i in 1 2 3 4 5 6 7 8; do sleep 1000 </dev/qhp & done; killall sleep")


def a_slot_too_many_is_refused():
    mark = len(WORLD.said())
    guest().expect(f"for i in $(seq {SLOTS}); do /qhp/qhptalk listen alone hold & done")
    wait_for("all slots are taken", lambda: said_since(mark).count("listen alone") == SLOTS)
    expect_errno(28, "listen", "alone", "hold")
    guest().expect("killall -9 qhptalk")
    wait_for("all slots are free", lambda: len(re.findall(r"close \d+: 0", said_since(mark))) == SLOTS)
    expect_talk("70 messages", "connect", "echo", "send", 70)


def errors_of_the_host_arrive():
    expect_errno(111, "connect", "refuse", "hold")
    expect_errno(1, "listen", "deny", "hold")


def a_peer_that_goes_is_noticed():
    expect_talk("gone, state 3", "connect", "closing", "hold")
    expect_talk("gone, state 4", "listen", "revoking", "hold")


def a_peer_that_breaks_the_protocol_is_noticed():
    code, said = talk("connect", "garbage", "send")
    check(code == 1 and "protocol" in said, f"exit {code}: {said}")


def a_program_that_dies_gives_its_slot_back():
    mark = len(WORLD.said())
    guest().expect("/qhp/qhptalk connect echo hold & sleep 1; kill -9 $!")
    wait_for("the host hears of it", lambda: "close 0: 0" in said_since(mark))


# -- hosts that do not behave -----------------------------------------------------------------------------------------
def impossible_answers_are_refused():
    for name in ("badslot", "badbytes", "baderror"):
        expect_errno(71, "connect", name, "hold")
    expect_talk("70 messages", "connect", "echo", "send", 70)


def a_host_that_is_silent_is_not_waited_for_for_ever():
    expect_errno(110, "connect", "silent", "hold")
    check("the host does not answer request" in dmesg(), "the log does not say so")
    expect_talk("70 messages", "connect", "echo", "send", 70)
    check("the host answers again" in dmesg(), "the log does not say that it answers again")


def who_waits_for_a_silent_host_can_be_killed():
    started = time.monotonic()
    guest().expect("/qhp/qhptalk connect silent hold & sleep 1; kill -9 $!; wait $!; true")
    check(time.monotonic() - started < 8, "it was not killed")
    expect_talk("70 messages", "connect", "echo", "send", 70)


def a_slot_that_comes_too_late_is_given_back():
    mark = len(WORLD.said())
    expect_errno(110, "connect", "late", "hold")
    wait_for("the slot is closed", lambda: "close 0: 0" in said_since(mark))


# -- network devices --------------------------------------------------------------------------------------------------
def write_net(words):
    """The shell of the guest finds no file by a pattern behind a `>`."""
    return guest().run(f"for file in {DRIVER}/*:*/netdev; do echo {words} >$file; done")


def add_net(words, name):
    guest().run(f"ip link del {name}")              # of a test that failed
    code, said = write_net(f"{words} {name}")
    check(code == 0, said)
    guest().expect(f"ip address add 10.9.0.1 peer 10.9.0.2 dev {name}; ip link set {name} up; "
                   f"until [ $(cat /sys/class/net/{name}/carrier) = 1 ]; do sleep 0.1; done")


def del_net(name):
    guest().expect(f"ip link del {name}")


def ping(count=5, size=56):
    return guest().run(f"ping -c {count} -i 0.1 -W 3 -s {size} 10.9.0.2", 100)


def expect_ping(count=5, size=56):
    _, said = ping(count, size)
    check(f"{count} packets received" in said, said)


def counter(name, which):
    return int(guest().expect(f"cat /sys/class/net/{name}/statistics/{which}"))


def pings_pass_over_a_channel():
    for words in ("connect mirror", "listen mirror"):
        add_net(words, "qhp0")
        expect_ping()
        expect_ping(3, 1472)
        guest().expect("ip link set qhp0 mtu 65535")
        expect_ping(3, 60000)
        check(counter("qhp0", "rx_packets") == counter("qhp0", "tx_packets") >= 22, "packets are lost")
        check(not any(counter("qhp0", which) for which in ("rx_errors", "tx_errors", "rx_dropped", "tx_dropped")), "errors")
        del_net("qhp0")


def tcp_passes_in_long_packets():
    add_net("connect mirror", "qhp0")
    size = 8 << 20
    guest().expect(f"head -c {size} /dev/urandom >/tmp/sent; {image.RECEIVE} "
                   "until grep -q ':1389 .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; "
                   "/qhp/qhptalk tcp 10.9.0.2 5001 </tmp/sent; wait; cmp /tmp/sent /tmp/got && rm /tmp/sent /tmp/got", 300)
    packets = counter("qhp0", "tx_packets")
    say(f"{size >> 20} MiB in {packets} packets")
    check(packets < size / 3000, "they were not sent in long packets")      # acknowledgements are counted, too
    check(not counter("qhp0", "rx_errors"), "errors")
    del_net("qhp0")


def a_full_ring_loses_no_packet():
    # A queue that drops nothing for its age, and a socket that may fill it.
    guest().expect("cd /proc/sys/net/core; echo pfifo_fast >default_qdisc; echo 8000000 >wmem_default")
    add_net("connect mirror", "qhp0")
    WORLD.standin.send_signal(signal.SIGSTOP)
    try:                                            # the ring has room for 730 of them
        token = guest().post("ping -q -c 1000 -i 0.002 -W 20 -s 1400 10.9.0.2")
        time.sleep(4 * vm.SLOW)
    finally:
        WORLD.standin.send_signal(signal.SIGCONT)
    _, said = guest().finish(token, 100)
    check("1000 packets transmitted" in said, said)         # how many it receives is for its own buffer to say
    check(counter("qhp0", "rx_packets") == counter("qhp0", "tx_packets") >= 1000, "packets are lost")
    check(counter("qhp0", "tx_dropped") == 0, "packets are dropped")
    del_net("qhp0")


def a_network_device_gets_a_new_peer():
    for words in ("connect flap", "listen flap"):
        add_net(words, "qhp0")
        guest().run("ping -c 1000 -i 0.005 -W 1 10.9.0.2 >/dev/null", 200)
        wait_for("packets pass again", lambda: "5 packets received" in ping()[1])
        changes = int(guest().expect("cat /sys/class/net/qhp0/carrier_changes"))
        check(changes >= 3, f"the carrier changed {changes} times: the peer did not go")
        del_net("qhp0")


def a_peer_that_is_no_network_device_is_refused():
    write_net("connect echo qhp0")
    guest().expect("ip link set qhp0 up")
    wait_for("the log says so", lambda: "the peer is no network device" in dmesg())
    check(guest().expect("cat /sys/class/net/qhp0/carrier").strip() == "0", "the carrier is on")
    del_net("qhp0")


def network_devices_are_made_by_the_right_words_only():
    for words in ("", "listen", "accept mirror", "listen mirror a/b", "listen mirror x y", "connect " + 40 * "n",
                  "connect mirror averylonginterfacename"):
        code, _ = write_net(words)
        check(code != 0, f"'{words}' is accepted")
    check(write_net("listen alone")[0] == 0, "the right words are refused")
    code, _ = write_net("listen alone qhp0")
    check(code != 0, "a name twice")
    del_net("qhp0")
    code, _ = guest().run("ip link add x type qhp")
    check(code != 0, "`ip link add` makes something")


# -- the device comes and goes ----------------------------------------------------------------------------------------
def the_module_stays_while_it_is_used():
    guest().expect("! rmmod qhp_guest </dev/qhp")


def the_module_can_be_loaded_again():
    add_net("connect mirror", "qhp0")
    for _ in range(3):
        mark = len(WORLD.said())
        guest().expect("rmmod qhp_guest; test ! -e /dev/qhp; test ! -e /sys/class/net/qhp0; insmod /qhp/qhp_guest.ko")
        check("reset 0: 0" in said_since(mark), "no reset")
    expect_talk("70 messages", "connect", "echo", "send", 70)


def the_device_is_unbound_under_programs():
    add_net("connect mirror", "qhp0")
    device = guest().expect(f"cd {DRIVER}; echo *:*").strip()
    said = guest().expect(f"/qhp/qhptalk gone echo >/tmp/gone 2>&1 & until grep -q have /tmp/gone; do sleep 0.1; done; "
                          f"ping -i 0.01 10.9.0.2 >/dev/null & echo {device} >{DRIVER}/unbind; wait %1; cat /tmp/gone; "
                          "killall ping 2>/dev/null; true")
    check("gone" in said.split(), said)
    guest().expect(f"test ! -e /sys/class/net/qhp0; echo {device} >{DRIVER}/bind")
    expect_talk("70 messages", "connect", "echo", "send", 70)


def channels_survive_suspend():
    if WORLD.name == "new":
        raise ktap.Skip("the emulator does not wake this kernel up, with the driver or without")
    add_net("connect mirror", "qhp0")
    guest().expect("/qhp/qhptalk listen echo echo >/tmp/echo 2>&1 & sleep 1")
    if guest().run("grep -qw mem /sys/power/state")[0]:
        raise ktap.Skip("this kernel cannot suspend")
    token = guest().post("echo mem >/sys/power/state")
    monitor = guest().monitor()
    monitor.wait_for("SUSPEND")
    monitor.ask("system_wakeup")
    code, said = guest().finish(token)
    check(code == 0, f"suspend: {said}")
    expect_ping()
    expect_talk("70 messages", "connect", "echo", "send", 70)
    guest().expect("killall qhptalk")
    del_net("qhp0")


def the_device_is_pulled_out_under_programs():
    add_net("connect mirror", "qhp0")
    token = guest().post("/qhp/qhptalk gone echo; ip link show qhp0 && exit 1; test ! -e /dev/qhp")
    wait_for("the channel is there", lambda: WORLD.said().rstrip().endswith("connect echo0: 1"))
    monitor = guest().monitor()
    monitor.ask("device_del", id="ivshmem")
    monitor.wait_for("DEVICE_DELETED", device="ivshmem")
    code, said = guest().finish(token)
    check(code == 0 and "gone" in said.split(), said)
    guest().expect("rmmod qhp_guest")


TESTS = [takes_a_window_and_leaves_other_devices_alone, the_calls_follow_their_rules, who_connects_exchanges_messages,
         who_listens_exchanges_messages, all_slots_work_at_once, a_slot_too_many_is_refused, errors_of_the_host_arrive,
         a_peer_that_goes_is_noticed, a_peer_that_breaks_the_protocol_is_noticed,
         a_program_that_dies_gives_its_slot_back, impossible_answers_are_refused,
         a_host_that_is_silent_is_not_waited_for_for_ever, who_waits_for_a_silent_host_can_be_killed,
         a_slot_that_comes_too_late_is_given_back, pings_pass_over_a_channel, tcp_passes_in_long_packets,
         a_full_ring_loses_no_packet, a_network_device_gets_a_new_peer, a_peer_that_is_no_network_device_is_refused,
         network_devices_are_made_by_the_right_words_only, the_module_stays_while_it_is_used,
         the_module_can_be_loaded_again, the_device_is_unbound_under_programs, channels_survive_suspend,
         the_device_is_pulled_out_under_programs]


def after(_result):
    """What every test must leave behind: no warning of the guest's kernel, no doorbell that was lost."""
    log = dmesg()
    splats = verdict.splats(log)
    check(not splats, f"kernel log: {splats[0][0] if splats else ''}")
    check("lost doorbell" not in WORLD.said(), "a doorbell was lost")
    check(WORLD.standin.poll() in (None, 0), f"the stand-in: {WORLD.said()[-200:]}")


def main(argv):
    global WORLD
    if not argv:
        raise SystemExit(__doc__)
    WORLD = World(argv[0])
    tests = [test for test in TESTS if test is TESTS[0] or not argv[1:] or any(word in test.__name__ for word in argv[1:])]
    try:
        WORLD.start()
        failed = ktap.run(tests, after)
        (TOP / "build/selftests").mkdir(exist_ok=True)
        (TOP / f"build/selftests/guest-{argv[0]}.log").write_text(WORLD.said() + dmesg())
    finally:
        WORLD.stop()
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
