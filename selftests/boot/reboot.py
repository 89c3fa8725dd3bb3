#!/usr/bin/env python3
"""A host comes back by itself: Debian with systemd and our packages in a machine that is rebooted. Prints KTAP.

    reboot.py [--built] [--domains]
        --built: with the packages that are in build/deb
        --domains: with libvirt and two VMs that start by themselves; by nested virtualization

It is Debian 13 with its own kernel, in an emulated machine with a disk. Only an administrator's commands are run there.
"""
import json
import pathlib
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True

import machine
from machine import check_boot

import domain               # machine knows where these are
import vm
from ktap import check, say

CONFIG = "/etc/queztl/host.conf"
# systemd rates a unit from 0 (safe) to 100; it prints the tenth.
EXPOSURE = 25
OURS = ("queztl", "queztl-dkms", "queztl-sched", "libqueztl0")
LIBVIRT = ("libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "apparmor")
UPLINK = "52:54:00:00:02:01"                # units/uplink.network puts it into a bridge
# Domains, called like their ports: in a closed fabric, as peers, with the only addresses that they may have.
MACS = {"db0": "52:54:00:00:02:10", "app0": "52:54:00:00:02:11"}
ADDRESSES = {"db0": "10.1.0.1", "app0": "10.1.0.17"}
# What an administrator types.
FABRICS = ["fabric add lan", "fabric add prod --deny", "fabric set prod reserved forward"]
PORTS = [f"port add up0 lan mac {UPLINK} for host", "port uplink up0 on",
         "port set up0 trunk 10,20-29 native 1 macs any",
         "port add web0 lan mac 52:54:00:00:02:02 owner tenant", "port set web0 vlan 10 rate 1gbit",
         "port add web1 lan for vm", "port set web1 vlan 20 pps 100000 flood 500",
         "port add big lan mtu 9000 pairs 2", "port add off lan", "port set off link down",
         f"port add db0 prod mac {MACS['db0']}", "port add db1 prod owner tenant",
         f"port add app0 prod mac {MACS['app0']} migratable",
         "port set app0 rate 100mbit macs 02:00:00:00:00:01,02:00:00:00:00:02",
         "port add app1 prod", "port add watch prod"]
POLICY = ["policy allow db0 app0 app1", "policy allow app1 watch", "port mirror app1 to watch", "addr add db0 10.1.0.1",
          "addr add db0 fd00:1::/64", "addr add app0 10.1.0.16/28"]
# Debian's perl-base has sockets. Prints what the guest's init says, up to its answer to the command.
ASK = ("""perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new($ARGV[0]) or die "no socket"; alarm 100; """
       """print $s "token $ARGV[1]\\n"; $s->flush; while (<$s>) { print; exit if /^token / }' """)
NAMES = ["app0", "app1", "big", "db0", "db1", "off", "watch", "web0", "web1"]       # of ports for VMs
TENANTS = ["db1", "web0"]


HOST = None
SAVED = {}                                  # what the host said before it was rebooted


def queztl(words):
    return HOST.expect(f"queztl {words}")


def check_service():
    """Active, and not failed; with what it said otherwise."""
    wanted = {"ActiveState": "active", "SubState": "exited", "Result": "success", "ExecMainStatus": "0"}
    state = {name: HOST.property("queztl.service", name) for name in wanted}
    check(state == wanted,
          f"{state}: {HOST.run('journalctl -b --no-pager -o cat -u queztl.service')[1]}")


def ports_said():
    """Names and owners, as somebody sees them who starts a VM."""
    lines = HOST.expect("cd /run/queztl/ports && stat -L -c '%n %U %F' *").splitlines()
    return {name: (owner, kind) for name, owner, kind in (line.split(" ", 2) for line in lines)}


# -- the first boot ---------------------------------------------------------------------------------------------------
def boots_with_nothing_to_apply():
    HOST.start()
    check_boot(HOST, HOST.wait_booted())
    check_service()
    check("enabled" in HOST.expect("systemctl is-enabled queztl.service"), "it is not enabled")
    check(queztl("apply") == "nothing to do", "there is something to do")


def an_administrator_makes_ports_and_saves_them():
    for words in FABRICS + PORTS + POLICY:
        queztl(words)
    SAVED["config"] = queztl("save")
    queztl(f"save {CONFIG}")
    check(queztl("check") == "ok: 2 fabrics, 10 ports", "check: " + queztl("check"))
    check(queztl("apply --dry-run") == "nothing to do", queztl("apply --dry-run"))
    SAVED["ports"] = ports_said()


# -- the second one ---------------------------------------------------------------------------------------------------
def the_host_reboots():
    pid = HOST.process.pid
    check_boot(HOST, HOST.restart())
    check(HOST.process.poll() is None and HOST.process.pid == pid, "the machine ended")


def the_service_has_applied_the_configuration():
    check_service()
    check(queztl("apply --dry-run") == "nothing to do", queztl("apply --dry-run --diff"))
    now = queztl("save")
    check(now == SAVED["config"], f"it was:\n{SAVED['config']}\nit is:\n{now}")


def names_lead_to_devices_with_their_owners():
    said = ports_said()
    check(sorted(said) == NAMES, f"names: {sorted(said)}")
    check(said == SAVED["ports"], f"they were {SAVED['ports']}, they are {said}")
    for name in NAMES:
        check(said[name] == ("tenant" if name in TENANTS else "root", "character special file"), f"{name}: {said}")
    link = HOST.expect("ls -l /run/queztl/ports")
    check(len(set(re.findall(r"/dev/vhost-vdpa-\d+", link))) == len(NAMES), link)


def a_tenant_opens_its_own_ports_only():
    opens = "setpriv --reuid=tenant --clear-groups --regid=tenant bash -c 'exec 3<>/run/queztl/ports/%s'"
    for name in NAMES:
        code, said = HOST.run(opens % name)
        check((code == 0) == (name in TENANTS), f"{name}: {said}")


def doctor(user="root"):
    said = HOST.run(f"runuser -u {user} -- queztl doctor --json")[1]
    return {found["name"]: found for found in json.loads(said[said.index("{"):])["checks"]}


def a_kernel_that_oopsed_is_reported():
    """As far as one can tell; the host is rebooted next."""
    HOST.expect("echo 512 >/proc/sys/kernel/tainted")
    found = doctor()["taint"]
    check(found["status"] == "warn" and found["remedy"] == "read the output of sudo dmesg", f"{found}")
    HOST.expect("echo 128 >/proc/sys/kernel/tainted")
    found = doctor()["taint"]
    check(found["status"] == "fail" and "reboot" in found["remedy"], f"{found}")


def a_kernel_that_was_rebooted_is_as_new():
    check(doctor()["taint"]["status"] == "ok", f"{doctor()['taint']}")


def a_user_gets_the_rights_that_doctor_asks_for():
    """Each remedy is run as it is printed, by an administrator, and the user logs in again."""
    def checks():
        return doctor("tenant")

    HOST.expect("groupdel queztl")
    found = checks()["device"]
    check(found["status"] == "fail" and "groupadd" in found["remedy"], f"{found}")
    HOST.expect(found["remedy"].replace("sudo ", "") + "; udevadm settle")
    given = []
    for name, found in checks().items():
        if "usermod" not in (found["remedy"] or ""):
            continue
        check(found["status"] == "fail", f"{found}")
        command = re.fullmatch(r"sudo (usermod .*), then log in again", found["remedy"])
        check(command, found["remedy"])
        HOST.expect(f"USER=tenant; {command[1]}")
        now = checks()[name]
        check("permission" not in now["what"] and "usermod" not in (now["remedy"] or ""), f"{found}, then {now}")
        given.append(name)
    say(f"given: {', '.join(given)}")
    check("device" in given and ("kvm" in given) == (not HOST.run("test -e /dev/kvm")[0]), f"given: {given}")


def the_service_comes_before_the_network_and_libvirt():
    def when(unit, what):
        at = int(HOST.property(unit, what))
        check(at, f"{unit} has no {what}")
        return at

    done = when("queztl.service", "ActiveEnterTimestampMonotonic")
    for unit, what in (("network-pre.target", "ActiveEnterTimestampMonotonic"),
                       ("systemd-networkd.service", "InactiveExitTimestampMonotonic"),
                       ("libvirtd.service", "InactiveExitTimestampMonotonic")):
        check(done < when(unit, what), f"{unit} did not wait")
    for unit in ("libvirtd.service", "virtqemud.service", "libvirt-guests.service", "network-pre.target"):
        check(unit in HOST.property("queztl.service", "Before").split(), f"it is not before {unit}")


def libvirt_finds_all_names_when_it_starts():
    found = HOST.expect("cat /run/found-by-libvirtd").split()
    check(found == NAMES, f"it finds {found}")


def the_uplink_is_in_its_bridge():
    deadline = time.monotonic() + 60
    members = "cd /sys/class/net/br0/brif && for name in *; do cat /sys/class/net/$name/address; done"
    while UPLINK not in (where := HOST.run(members)[1]):
        check(time.monotonic() < deadline, f"in it: {where}; all: " + HOST.expect("grep . /sys/class/net/*/address"))
        time.sleep(1)


def systemd_finds_the_unit_correct_and_confined():
    said = HOST.expect("systemd-analyze verify --man=no queztl.service")
    check(not said, said)
    code, said = HOST.run(f"systemd-analyze security --no-pager --threshold={EXPOSURE} queztl.service")
    say(said.splitlines()[-1])
    check(code == 0, said)


def a_second_start_changes_nothing():
    before = HOST.expect("ls -l /run/queztl/ports /dev/vhost-vdpa*")
    HOST.expect("systemctl reload queztl.service && systemctl restart queztl.service")
    check_service()
    check(HOST.expect("ls -l /run/queztl/ports /dev/vhost-vdpa*") == before, "devices changed")
    check(queztl("save") == SAVED["config"], queztl("save"))


def a_mistake_is_reported_and_changes_nothing():
    HOST.expect(f"cp {CONFIG} /root/good && echo 'port bad {{ fabric = nowhere }}' >>{CONFIG}")
    code, _ = HOST.run("systemctl restart queztl.service")
    log = HOST.expect("journalctl -b --no-pager -o cat -n 20 -u queztl.service")
    HOST.expect(f"mv /root/good {CONFIG}")
    check(code, "it does not fail")
    check(f"{CONFIG}:" in log and "nowhere" in log, log)
    check(queztl("save") == SAVED["config"], queztl("save"))
    HOST.expect("systemctl restart queztl.service")
    check_service()


def the_module_is_exchanged_as_documented():
    check(HOST.run("modprobe -r queztl")[0], "the module of the host's port goes")
    HOST.expect("queztl port del up0 && modprobe -r queztl virtio_vdpa && test ! -e /dev/queztl && "
                "systemctl restart queztl.service")
    check_service()
    check(queztl("save") == SAVED["config"], queztl("save"))


# -- with domains -----------------------------------------------------------------------------------------------------
def domain_xml(name):
    """As selftests/e2e/domain.py has it, but for what it needs of the lab, and with the port's name."""
    cmdline = f"console=hvc0 quiet panic=-1 no_timer_check mitigations=off qz.net={MACS[name]}={ADDRESSES[name]}/24"
    interface = domain.INTERFACE.format(mac=MACS[name], device=f"/run/queztl/ports/{name}")
    text = domain.XML.format(name=name, mem="192", program="/usr/bin/qemu-system-x86_64", tmp="/run", metadata="",
                             interface=interface, kernel="/srv/guest/kernel", initrd="/srv/guest/initrd", cmdline=cmdline)
    return (text.replace("<source mode='bind' path='/run/command'/>", "")          # libvirt chooses one
            .replace("/run/console", f"/var/log/libvirt/qemu/{name}.console"))


def domains_are_defined_to_start_by_themselves():
    for name in MACS:
        text = domain_xml(name).replace("\n", " ")
        check('"' not in text and "$" not in text, text)
        HOST.expect(f'echo "{text}" >/root/{name}.xml && virsh define /root/{name}.xml && virsh autostart {name}',
                    300)


def run_in_domain(name, command):
    return HOST.run(f"{ASK} /run/libvirt/qemu/channel/*-{name}/queztl.command '{command}'", 120)[1]


def domains_are_back():
    deadline = time.monotonic() + 240
    while sorted(HOST.run("virsh list --name", 300)[1].split()) != sorted(MACS):
        check(time.monotonic() < deadline, HOST.run("virsh list --all; journalctl -b --no-pager -o cat -u libvirtd; "
                                                    "tail -n 20 /var/log/libvirt/qemu/*.log")[1])
        time.sleep(2)


def domains_are_confined():
    """By AppArmor, as Debian's libvirt does it. Their ports were opened for them; the devices stay root's."""
    for name in MACS:
        pid = HOST.expect(f"cat /run/libvirt/qemu/{name}.pid").strip()
        label = HOST.expect(f"cat /proc/{pid}/attr/current").strip("\0\n")
        check(re.fullmatch(r"libvirt-[0-9a-f-]+ \(enforce\)", label), f"{name} runs as {label}")
        opened = HOST.expect(f"ls -l /proc/{pid}/fd")
        check("/dev/vhost-vdpa-" in opened, f"{name} has no port open: {opened}")
    said = ports_said()
    check(said == SAVED["ports"], f"they were {SAVED['ports']}, they are {said}")
    denied = HOST.run("journalctl -b -k --no-pager -o cat | grep 'apparmor=\"DENIED\"' | grep -i vdpa")[1]
    check(not denied, denied)


def domains_talk():
    # Once: the guest's init ends the guest when whoever asks goes away.
    command = f"for try in 1 2 3 4 5 6; do ping -c 3 -W 5 {ADDRESSES['app0']} && exit 0; done; exit 1"
    said = run_in_domain("db0", command)
    if "3 packets received" not in said:
        say(HOST.run("queztl stats; queztl port list; tail -n 5 /var/log/libvirt/qemu/*")[1])
    check("3 packets received" in said, said)


# -- the last one -----------------------------------------------------------------------------------------------------
def a_purge_leaves_a_host_without_ports():
    """What is in use stays until the host is rebooted; a file that the administrator has written stays."""
    HOST.expect(f"DEBIAN_FRONTEND=noninteractive apt-get -y purge {' '.join(OURS)} dkms", 600)
    check_boot(HOST, HOST.restart())
    left = HOST.run("find / -xdev -path /proc -prune -o -name '*queztl*' -print | "
                    "grep -vxE '/etc/queztl|/root/.*|/var/(log|cache|lib/(apt|dpkg))/.*'")[1]
    check(not left, f"left: {left}")
    check(HOST.expect("ls /etc/queztl") == pathlib.Path(CONFIG).name, HOST.expect("ls -l /etc/queztl"))
    check(HOST.run("ls -d /run/queztl /dev/queztl /dev/vhost-vdpa*")[0], "something is there")
    check(HOST.run("grep -E '^(queztl|vhost_vdpa|virtio_vdpa) ' /proc/modules")[0], "a module is loaded")


TESTS = [boots_with_nothing_to_apply, an_administrator_makes_ports_and_saves_them, a_kernel_that_oopsed_is_reported,
         the_host_reboots, a_kernel_that_was_rebooted_is_as_new, the_service_has_applied_the_configuration, names_lead_to_devices_with_their_owners,
         a_tenant_opens_its_own_ports_only, a_user_gets_the_rights_that_doctor_asks_for,
         the_service_comes_before_the_network_and_libvirt,
         libvirt_finds_all_names_when_it_starts, the_uplink_is_in_its_bridge,
         systemd_finds_the_unit_correct_and_confined, a_second_start_changes_nothing,
         a_mistake_is_reported_and_changes_nothing, the_module_is_exchanged_as_documented,
         a_purge_leaves_a_host_without_ports]
WITH_DOMAINS = [boots_with_nothing_to_apply, an_administrator_makes_ports_and_saves_them,
                domains_are_defined_to_start_by_themselves, the_host_reboots, the_service_has_applied_the_configuration,
                names_lead_to_devices_with_their_owners, a_user_gets_the_rights_that_doctor_asks_for,
                the_service_comes_before_the_network_and_libvirt,
                domains_are_back, domains_are_confined, domains_talk]


def main(argv):
    global HOST
    if set(argv) - {"--built", "--domains"}:
        raise SystemExit(__doc__)
    if "--built" not in argv:
        machine.build_packages()
    domains = "--domains" in argv
    HOST = machine.Host("reboot.domains", LIBVIRT, vm.CACHE / "guests/tiny") if domains else machine.Host("reboot")
    return machine.run(HOST, WITH_DOMAINS if domains else TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
