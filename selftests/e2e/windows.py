#!/usr/bin/env python3
"""Channels between two real guests: stock QEMU, a stock guest kernel with qhp_guest.ko, `queztl window serve`, queztl.ko.
Runs inside L1 (see ./run); prints KTAP.

    windows.py [TEST...]
"""
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ktap
import world
import fabric               # world knows where these are
import vm
from ktap import check, say
from world import BUILD, OUT, SOURCE, ask, queztl, wait_for

sys.path.insert(0, str(SOURCE / "selftests/guest"))

import image
from host import verdict
SLOTS = 4
FLAVOUR = "cloud"
BOOT_SECONDS = 4 * vm.READY_SECONDS     # a stock kernel, while another one boots beside it on the same CPU
NET = "/sys/bus/pci/drivers/qhp_guest/*:*/netdev"
# One guest's memory, in huge pages, and where these come from.
HUGE = ["-machine", "memory-backend=ram", "-object", "memory-backend-memfd,id=ram,size=256M,hugetlb=on"]
POOL, HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages"), 128 + 4
servers, running, initrds = {}, {}, []


# -- windows and guests -----------------------------------------------------------------------------------------------
def socket_of(name):
    return f"/run/window-{name}"


def serve(name):
    log = open(OUT / f"serve-{name}.log", "ab")
    servers[name] = subprocess.Popen([world.BUILD / "userspace/queztl", "window", "serve", name, "--slots", str(SLOTS),
                                      "--socket", socket_of(name)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_for("the window is served", lambda: pathlib.Path(socket_of(name)).exists())


def initrd():
    if not initrds:
        tree = (vm.CACHE / "kernels" / FLAVOUR).resolve()
        module = image.module_for(BUILD, tree / "usr/src" / f"linux-headers-{tree.name}")
        initrds.append(image.make_initrd(vm.CACHE / "guests" / FLAVOUR / "initrd", module,
                                         BUILD / "selftests/qhptalk", "/run/image"))
    return initrds[0]


def start(name):
    # two that boot on one CPU take it from each other for longer than the watchdog likes
    guest = vm.Guest(name, kernel=FLAVOUR, may_reboot=True, append="nowatchdog", extra=[
        *(HUGE if name == "b" else []), "-chardev", f"socket,path={socket_of(name)},id=window",
        "-device", f"ivshmem-doorbell,chardev=window,vectors={1 + SLOTS}"])
    guest.initrd = initrd()
    running[name] = guest
    return guest.start()


def load(guest):
    guest.expect(f"insmod {image.MODULE}")


def both():
    for name in ("a", "b"):
        if name not in running:
            start(name).wait_ready(BOOT_SECONDS)
            load(running[name])
    return running["a"], running["b"]


def talk(guest, *words, seconds=120):
    return guest.run(" ".join([image.PROGRAM, *map(str, words)]), seconds)


def begin(guest, *words):
    """A program in the background, its output in a file."""
    guest.expect(f"{image.PROGRAM} {' '.join(words)} >/tmp/said 2>&1 & sleep 1")


def said(guest):
    return guest.expect("cat /tmp/said")


def expect_said(guest, text):
    wait_for(f"guest {guest.name} says: {text}", lambda: text in said(guest))


def expect_talk(guest, text, *words):
    code, out = talk(guest, *words)
    check(code == 0 and text in out, f"guest {guest.name}: qhptalk {' '.join(map(str, words))}: exit {code}: {out}")


def expect_errno(number, guest, *words):
    code, out = talk(guest, *words)
    check(code == number, f"guest {guest.name}: qhptalk {' '.join(words)}: exit {code}, not {number}: {out}")


def windows():
    return {found["name"]: found for found in ask("window", "list")}


# -- tests ------------------------------------------------------------------------------------------------------------
def two_guests_get_windows():
    for name in ("a", "b"):
        serve(name)
        start(name)
    for guest in running.values():
        guest.wait_ready(BOOT_SECONDS)
        load(guest)
        check(f"QHP window: {SLOTS} slots of 1024 KiB, /dev/qhp" in guest.expect("dmesg"), "the guest found no window")
    for listener, connecter in (("a", "b"), ("b", "a")):
        for name in ("chat", "net"):
            code, _, err = queztl("channel", "allow", name, listener, connecter)
            check(code == 0, err)


def what_no_rule_allows_is_refused():
    a, b = both()
    expect_errno(1, a, "listen", "secret", "hold")
    expect_errno(1, b, "connect", "secret", "hold")
    expect_errno(111, b, "connect", "chat", "hold")


def messages_pass_both_ways():
    for one, other in (both(), both()[::-1]):
        begin(one, "listen", "chat", "echo")
        expect_talk(other, "700 messages came back", "connect", "chat", "send", 700)
        expect_said(one, "700 messages, then state 3")


def doorbells_wake_who_sleeps():
    """One message at a time, and time in between: nobody can be awake by chance."""
    a, b = both()
    begin(a, "listen", "chat", "echo")
    code, out = talk(b, "connect", "chat", "ask", 40)
    check(code == 0, out)
    say(f"asked one at a time: {out.strip()}")
    expect_said(a, "then state 3")


def a_killed_program_is_noticed():
    a, b = both()
    begin(a, "listen", "chat", "hold")
    begin(b, "connect", "chat", "hold")
    b.expect("killall -9 qhptalk")
    expect_said(a, "gone, state 3")
    wait_for("no slot is in use", lambda: not any(each["used"] for each in windows().values()))


def a_revoked_channel_is_noticed():
    a, b = both()
    begin(a, "listen", "chat", "hold")
    begin(b, "connect", "chat", "hold")
    code, _, err = queztl("channel", "revoke", "chat")
    check(code == 0, err)
    for guest in (a, b):
        expect_said(guest, "gone, state 4")


def the_driver_is_loaded_again():
    a, b = both()
    begin(a, "listen", "chat", "hold")
    begin(b, "connect", "chat", "hold")
    b.expect("killall qhptalk; sleep 1; rmmod qhp_guest")
    expect_said(a, "gone, state 3")
    load(b)
    begin(a, "listen", "chat", "echo")
    expect_talk(b, "70 messages came back", "connect", "chat", "send", 70)


def make_net(guest, verb, own, peer):
    guest.expect(f"for file in {NET}; do echo {verb} net qhp0 >$file; done; "
                 f"ip address add {own} peer {peer} dev qhp0; ip link set qhp0 up")


def carrier(guest):
    return guest.expect("cat /sys/class/net/qhp0/carrier").strip() == "1"


def expect_carrier(*guests):
    for guest in guests:
        wait_for(f"guest {guest.name} has a carrier", lambda: carrier(guest))


def expect_ping(guest, address, count=5, size=56):
    _, out = guest.run(f"ping -c {count} -i 0.2 -W 10 -s {size} {address}", 200)
    check(f"{count} packets received" in out, f"guest {guest.name}: {out}")


def network_devices_ping():
    a, b = both()
    make_net(a, "listen", "10.9.0.1", "10.9.0.2")
    make_net(b, "connect", "10.9.0.2", "10.9.0.1")
    expect_carrier(a, b)
    for size in (56, 1472, 8000):
        expect_ping(a, "10.9.0.2", 5, size)
        expect_ping(b, "10.9.0.1", 5, size)


def network_devices_carry_tcp():
    a, b = both()
    expect_carrier(a, b)
    a.expect(f"{image.RECEIVE} sleep 1")
    b.expect(f"head -c 8000000 /dev/urandom >/tmp/sent; {image.PROGRAM} tcp 10.9.0.1 5001 </tmp/sent; "
             "sha1sum </tmp/sent >/tmp/sum", 300)
    sent = b.expect("cat /tmp/sum")
    wait_for("all is received", lambda: a.expect("sha1sum </tmp/got") == sent, 60)
    packets = int(b.expect("cat /sys/class/net/qhp0/statistics/tx_packets"))
    say(f"8 MB in {packets} packets")
    check(packets < 8e6 / 3000, "they were not sent in long packets")


def a_network_device_comes_back():
    a, b = both()
    b.expect("ip link set qhp0 down")
    wait_for("the peer's carrier is off", lambda: not carrier(a))
    b.expect("ip link set qhp0 up")
    expect_carrier(a, b)
    expect_ping(a, "10.9.0.2")


def a_guest_that_reboots_comes_back():
    a, b = both()
    b.reboot(BOOT_SECONDS)
    wait_for("the peer's carrier is off", lambda: not carrier(a))
    load(b)
    make_net(b, "connect", "10.9.0.2", "10.9.0.1")
    expect_carrier(a, b)
    expect_ping(a, "10.9.0.2")


def a_killed_vm_is_noticed_and_replaced():
    a, b = both()
    begin(a, "listen", "chat", "hold")
    begin(b, "connect", "chat", "hold")
    b.kill()
    del running["b"]
    expect_said(a, "gone, state 3")
    wait_for("the peer's carrier is off", lambda: not carrier(a))
    wait_for("the window is free", lambda: not windows()["b"]["used"])
    _, b = both()
    make_net(b, "connect", "10.9.0.2", "10.9.0.1")
    expect_carrier(a, b)
    expect_ping(b, "10.9.0.1")


def nothing_is_left():
    for guest in running.values():
        splats = verdict.splats(guest.expect("dmesg"))
        check(not splats, f"kernel log of guest {guest.name}: {splats[0][0] if splats else ''}")
        guest.stop()
    running.clear()
    wait_for("no slot is in use", lambda: not any(each["used"] or each["memory"] for each in windows().values()))
    for server in servers.values():
        server.terminate()
        server.wait(30)
    check(not windows(), f"windows are left: {windows()}")
    wait_for("nobody uses the module", lambda: not world.references())
    vm.sh("rmmod", "queztl")


TESTS = [two_guests_get_windows, what_no_rule_allows_is_refused, messages_pass_both_ways, doorbells_wake_who_sleeps,
         a_killed_program_is_noticed, a_revoked_channel_is_noticed, the_driver_is_loaded_again, network_devices_ping,
         network_devices_carry_tcp, a_network_device_comes_back, a_guest_that_reboots_comes_back,
         a_killed_vm_is_noticed_and_replaced, nothing_is_left]
ALWAYS = (TESTS[0], TESTS[-1])


def main():
    tests = [test for test in TESTS if test in ALWAYS or len(sys.argv) < 2 or
             any(word in test.__name__ for word in sys.argv[1:])]
    POOL.write_text(str(HUGE_PAGES))
    if int(POOL.read_text()) < HUGE_PAGES:
        HUGE.clear()
        say("not enough huge pages for a guest")
    fabric.load()
    pathlib.Path("/run/image").mkdir()
    log, started = world.KernelLog(), time.monotonic()

    def after(result):
        if result == "fail":
            world.running.update(running)
            world.save_consoles()
        log.look()

    failed = ktap.run(tests, after)
    say(f"{time.monotonic() - started:.0f} s")
    for guest in running.values():
        guest.stop()
    for server in servers.values():
        server.terminate()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
