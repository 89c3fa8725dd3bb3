#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The Python package on the simulated host, and its structures against the headers; TAP."""
import ctypes
import errno
import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = Path(os.environ.get("O", TOP / "build" / "userspace"))
FAKE = BUILD / "tests" / "fake"                     # has libqueztl.so.0
INCLUDES = [f"-I{TOP / 'uapi'}", f"-I{TOP}", f"-I{TOP / 'userspace/lib'}"]

sys.dont_write_bytecode = True
if os.environ.get("LD_LIBRARY_PATH") != str(FAKE):  # the loader reads it at the start
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "LD_LIBRARY_PATH": str(FAKE)})
sys.path.insert(0, str(TOP / "userspace" / "python"))

import queztl                                       # noqa: E402
from queztl import _abi                             # noqa: E402


def fails_with(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        assert error.errno == number, error
        return error
    raise AssertionError(f"{function} did not fail")


def header():
    return (TOP / "uapi/linux/queztl.h").read_text() + (TOP / "userspace/lib/queztl.h").read_text()


def run_c(body):
    """What a C program prints."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "layout.c")
        source.write_text(f"#include <queztl.h>\n#include <stdio.h>\nint main(void)\n{{\n{body}\nreturn 0;\n}}\n")
        subprocess.run([os.environ.get("CC", "gcc"), *INCLUDES, source, "-o", source.with_suffix("")], check=True)
        return subprocess.run([source.with_suffix("")], check=True, capture_output=True, text=True).stdout


def structures_are_those_of_c():
    lines, expected = [], []
    for name, structure in _abi.STRUCTURES.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        expected.append(f"{name} {ctypes.sizeof(structure)}")
        members = re.search(rf"^struct {name} {{\n(.*?)^}};", header(), re.M | re.S)[1]
        assert re.findall(r"(\w+)(?:\[\w+\])?;", members) == [field[0] for field in structure._fields_], name
        for member, kind in structure._fields_:
            lines.append(f'printf("{name}.{member} %zu %zu\\n", offsetof(struct {name}, {member}), '
                         f'sizeof(((struct {name} *)0)->{member}));')
            at = getattr(structure, member)
            expected.append(f"{name}.{member} {at.offset} {at.size}")
            assert bool(re.search(rf"__s32 {member};", members)) == (kind is ctypes.c_int32), member
    assert run_c("\n".join(lines)).splitlines() == expected


def functions_have_the_arguments_of_c():
    """As many, and of the same kinds."""
    kinds = {"int": "i", "uint32_t": "u", "unsigned int": "u", "uint64_t": "U", "size_t": "z", "const char *": "s"}
    mine = {ctypes.c_int: "i", ctypes.c_uint32: "u", ctypes.c_uint: "u", ctypes.c_size_t: "z", ctypes.c_uint64: "U",
            ctypes.c_char_p: "s"}
    if ctypes.c_size_t is ctypes.c_uint64:          # ctypes does not tell them apart then
        kinds["size_t"] = "U"
    for name, arguments in {**_abi.FUNCTIONS, **_abi.NAMES}.items():
        text = " ".join(re.search(rf"\b{name}\(([^)]*)\);", header())[1].split())
        words = [] if text == "void" else [re.sub(r"\w+$", "", word).strip() for word in text.split(", ")]
        wanted = ["p" if word.endswith("*") and "char" not in word else kinds[word] for word in words]
        assert [mine.get(argument, "p") for argument in arguments] == wanted, name


def flags_are_those_of_c():
    prefixes = {queztl.Feature: "QUEZTL_F_", queztl.FabricMode: "QUEZTL_FABRIC_", queztl.PortState: "QUEZTL_PORT_",
                queztl.PortMode: "QUEZTL_PORT_"}
    members = [(prefix + flag.name, int(flag)) for kind, prefix in prefixes.items() for flag in kind]
    printed = run_c("\n".join(f'printf("%llu\\n", (unsigned long long){name});' for name, _ in members))
    assert printed.split() == [str(value) for _, value in members]
    for kind, name in ((queztl.Feature, "feature"), (queztl.FabricMode, "fabric_mode"),
                       (queztl.PortState, "port_state"), (queztl.PortMode, "port_mode")):
        body = re.search(rf"^enum queztl_{name} {{\n(.*?)^}};", header(), re.M | re.S)[1]
        assert body.count("=") == len(kind), name
    room, size = (int(re.search(rf"#define QUEZTL_{name}\s+(\d+)", header())[1]) for name in ("DROP_ROOM", "NAME_MAX"))
    assert (room, size) == (_abi.DROP_ROOM, _abi.NAME_MAX)
    assert -_abi.ENOENT == errno.ENOENT


def version_and_info():
    assert queztl.version() == re.search(r'LIBQUEZTL_VERSION\t"(.*)"', header())[1]
    with queztl.Host() as host:
        info = host.info()
    assert (info.vms, info.fabrics, info.kernel) == (2, 2, "6.12.117-test")
    assert info.features == queztl.Feature.FABRIC | queztl.Feature.DIRECT | queztl.Feature.POLICY


def iterates():
    with queztl.Host() as host:
        assert [(fabric.name, fabric.ports) for fabric in host.fabrics()] == [("blue", 2), ("green", 0)]
        assert [port.name for port in host.ports()] == ["web0", "a-port-with-a-very-long-name-01"]
        assert len(list(host.ports(host.fabric("blue")))) == 2 and not list(host.ports(host.fabric("green")))
        window, = host.windows()
        assert (window.name, window.slots, window.used, window.region) == ("logger", 2, 0, 65536)
        assert not list(host.channels())


def ports_have_what_c_has():
    with queztl.Host() as host:
        port = host.port("web0")
        assert (port.mac, port.mtu, port.pid, port.mode) == ("52:54:00:00:00:01", 1500, os.getpid(), queztl.PortMode(0))
        assert port.state == queztl.PortState.OPEN | queztl.PortState.UP
        stats = host.port_stats(port)
        assert (stats.tx_packets, stats.rx_bytes, stats.tx_waited) == (1000, 63936, 12)
        assert stats.drops == {"no_port": 3, "reason_15": 2} and stats == host.port_stats(port.id)
        assert queztl.drop_text("no_port") == "no port has the destination address"
        assert queztl.drop_text("reason_15") == "reason_15"


def vms_are_those_that_may_be_seen():
    with queztl.Host() as host:
        assert list(host.vm_ids()) == [3, 7]
        vm, = host.vms()
        assert (vm.comm, vm.vcpus, vm.seen_ns) == ("qemu-system-x86", 2, 1000)
        assert host.vm_stats(vm).exits == 1234567 and host.vm_stats(3).halt_exits == 77
        assert isinstance(fails_with(errno.EPERM, host.vm, 7), PermissionError)


def fabrics_are_made_and_removed():
    with queztl.Host() as host:
        red = host.add_fabric("red", queztl.FabricMode.DENY)
        assert red.mode == queztl.FabricMode.DENY and red == host.fabric("red")
        assert isinstance(fails_with(errno.EEXIST, host.add_fabric, "red"), FileExistsError)
        host.set_fabric(red, queztl.FabricMode(0))
        assert not host.fabric("red").mode
        fails_with(errno.EINVAL, host.add_fabric, "pink", queztl.FabricMode(64))
        fails_with(errno.ENOENT, host.fabric, "pink")
        host.del_fabric(red)
        assert [fabric.name for fabric in host.fabrics()] == ["blue", "green"]
        fails_with(errno.EBUSY, host.del_fabric, host.fabric("blue"))


def errors_are_those_of_python():
    with queztl.Host() as host:
        error = fails_with(errno.ENOENT, host.port, "none")
        assert isinstance(error, FileNotFoundError) and error.filename == "none"
    fails_with(errno.EBADF, host.info)
    fails_with(errno.EBADF, lambda: list(host.ports()))
    host.close()


def descriptors_are_closed():
    before = os.listdir("/proc/self/fd")
    with queztl.Host() as host:
        list(host.vms())
        fails_with(errno.EPERM, host.vm_stats, 7)
    queztl.Host()
    assert os.listdir("/proc/self/fd") == before


TESTS = [structures_are_those_of_c, functions_have_the_arguments_of_c, flags_are_those_of_c, version_and_info,
         iterates, ports_have_what_c_has, vms_are_those_that_may_be_seen, fabrics_are_made_and_removed,
         errors_are_those_of_python, descriptors_are_closed]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        test()
        print("ok", number, "-", test.__name__)
    except Exception:                               # pylint: disable=broad-except
        traceback.print_exc()
        print("not ok", number, "-", test.__name__)
        failed = 1
sys.exit(failed)
