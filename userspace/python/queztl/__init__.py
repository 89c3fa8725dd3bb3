# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VMs, fabrics, ports and windows of a host that runs Queztl, by libqueztl.

    import queztl

    with queztl.Host() as host:
        for port in host.ports():
            print(port.name, port.mac, host.port_stats(port).drops)

Errors are OSError with the errno of the call: FileNotFoundError if the module is not loaded or there is no such object,
PermissionError if the caller is not in the group queztl, or may not do this. An object does not change: it says what was
so when it was asked for. Threads may share a Host.
"""
from __future__ import annotations

import ctypes
import enum
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, Union

from . import _abi

__all__ = ["Channel", "Fabric", "FabricMode", "Feature", "Host", "Info", "Port", "PortMode", "PortState", "PortStats",
           "Vm", "VmStats", "Window", "drop_text", "version"]

_library = _abi.load()
T = TypeVar("T")


class Feature(enum.IntFlag):
    """Of a kernel: enum queztl_feature."""
    FABRIC = 1
    DIRECT = 2
    CHANNEL = 4
    SCHED = 8
    POLICY = 16


class FabricMode(enum.IntFlag):
    """enum queztl_fabric_mode; 0: each port reaches each other one."""
    DENY = 1
    RESERVED = 2


class PortState(enum.IntFlag):
    """enum queztl_port_state"""
    OPEN = 1
    UP = 2
    BROKEN = 4
    NO_WORKER = 8
    DELETED = 16


class PortMode(enum.IntFlag):
    """enum queztl_port_mode"""
    UPLINK = 1
    LINK_DOWN = 2


@dataclass(frozen=True)
class Info:
    """Of the module, and of the kernel that it runs in."""
    abi_version: int
    features: Feature
    vms: int
    fabrics: int
    module: str
    kernel: str


@dataclass(frozen=True)
class Vm:
    """A KVM VM; comm is the name of its process."""
    id: int
    pid: int
    uid: int
    vcpus: int
    seen_ns: int
    comm: str


@dataclass(frozen=True)
class VmStats:
    """Exits of all vCPUs since the VM was created."""
    exits: int
    halt_exits: int
    mmio_exits: int
    io_exits: int
    irq_injections: int
    insn_emulations: int
    signal_exits: int


@dataclass(frozen=True)
class Fabric:
    """An isolated network of VMs."""
    id: int
    name: str
    ports: int
    mode: FabricMode


@dataclass(frozen=True)
class Port:
    """A port of a fabric; pid: of the process that has opened it, or 0."""
    id: int
    fabric_id: int
    name: str
    mac: str
    mtu: int
    state: PortState
    pid: int
    max_vqp: int
    mode: PortMode


@dataclass(frozen=True)
class PortStats:
    """Counters since the port was created. drops has the reasons that have occurred, by name."""
    id: int
    tx_packets: int
    tx_bytes: int
    rx_packets: int
    rx_bytes: int
    kicks: int
    rx_interrupts: int
    tx_interrupts: int
    tx_held: int
    direct_runs: int
    worker_runs: int
    drops: dict[str, int]
    tx_paced: int
    tx_waited: int


@dataclass(frozen=True)
class Window:
    """The memory by which a VM or a process has channels."""
    id: int
    name: str
    slots: int
    used: int
    region: int
    pid: int
    memory: int
    diverted: int


@dataclass(frozen=True)
class Channel:
    """A channel between two windows; connecter is empty while nobody has connected."""
    id: int
    name: str
    listener: str
    connecter: str
    bytes: int


def _drops(counters: list[int]) -> dict[str, int]:
    names = [_library.queztl_drop_name(i) for i in range(len(counters))]
    return {name.decode() if name else f"reason_{i}": counters[i] for i, name in enumerate(names) if counters[i]}


# Of names: a VM chooses that of its process.
def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


# How a member becomes what it is in Python. What is not here is a number or bytes.
_CONVERT: dict[tuple[type, str], Any] = {
    (Info, "features"): Feature,
    (Fabric, "mode"): FabricMode,
    (Port, "state"): PortState,
    (Port, "mode"): PortMode,
    (Port, "mac"): lambda mac: ":".join(f"{byte:02x}" for byte in mac),
    (PortStats, "drops"): lambda drops: _drops(list(drops)),
}


def _make(kind: type[T], structure: ctypes.Structure) -> T:
    """An object whose members are those of the structure."""
    values = {}
    for name in getattr(kind, "__dataclass_fields__"):
        value = getattr(structure, name)
        convert = _CONVERT.get((kind, name))
        values[name] = convert(value) if convert else _text(value) if isinstance(value, bytes) else value
    return kind(**values)


def version() -> str:
    """Of the library."""
    return _text(_library.queztl_version())


def drop_text(name: str) -> str:
    """What the name of a reason in PortStats.drops means, or the name if this library does not know it."""
    for i in range(_abi.DROP_ROOM):
        if _library.queztl_drop_name(i) == name.encode():
            return _text(_library.queztl_drop_text(i))
    return name


class Host:
    """This host; a context manager, or close() it."""

    def __init__(self) -> None:
        self._fd = -1
        self._fd = _abi.check(_library.queztl_open(), "/dev/queztl")

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Again does nothing. Other calls fail from then on with EBADF."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def fileno(self) -> int:
        """The descriptor of /dev/queztl, or -1."""
        return self._fd

    def _fill(self, function: str, structure: ctypes.Structure, *arguments: Any, fd: int | None = None) -> int:
        call = getattr(_library, function)
        return int(call(self._fd if fd is None else fd, *arguments, ctypes.byref(structure), ctypes.sizeof(structure)))

    def _each(self, function: str, kind: type[T], structure: ctypes.Structure) -> Iterator[T]:
        while (result := self._fill(function, structure)) != _abi.ENOENT:
            _abi.check(result)
            yield _make(kind, structure)

    def info(self) -> Info:
        """The module's version and features."""
        info = _abi.Info()
        _abi.check(self._fill("queztl_get_info_sz", info))
        return _make(Info, info)

    def fabrics(self) -> Iterator[Fabric]:
        """All fabrics."""
        return self._each("queztl_fabric_next_sz", Fabric, _abi.Fabric())

    def ports(self, fabric: Fabric | None = None) -> Iterator[Port]:
        """All ports, or those of a fabric."""
        ports = self._each("queztl_port_next_sz", Port, _abi.Port())
        return (port for port in ports if fabric is None or port.fabric_id == fabric.id)

    def windows(self) -> Iterator[Window]:
        """All windows."""
        return self._each("queztl_window_next_sz", Window, _abi.Window())

    def channels(self) -> Iterator[Channel]:
        """All channels."""
        return self._each("queztl_channel_next_sz", Channel, _abi.Channel())

    def fabric(self, name: str) -> Fabric:
        """FileNotFoundError: there is none of this name."""
        fabric = _abi.Fabric()
        _abi.check(self._fill("queztl_fabric_find_sz", fabric, name.encode()), name)
        return _make(Fabric, fabric)

    def port(self, name: str) -> Port:
        """FileNotFoundError: there is none of this name."""
        port = _abi.Port()
        _abi.check(self._fill("queztl_port_find_sz", port, name.encode()), name)
        return _make(Port, port)

    def port_stats(self, port: Union[Port, int]) -> PortStats:
        """Of a port, or of the port with this id."""
        stats = _abi.PortStats()
        number = port if isinstance(port, int) else port.id
        _abi.check(self._fill("queztl_port_stats_get_sz", stats, number), number)
        return _make(PortStats, stats)

    def vm_ids(self) -> Iterator[int]:
        """The ids of all VMs."""
        number = ctypes.c_uint64()
        while (result := _library.queztl_vm_next(self._fd, ctypes.byref(number))) != _abi.ENOENT:
            _abi.check(result)
            yield number.value

    def _of_vm(self, function: str, kind: type[T], structure: ctypes.Structure, number: int) -> T:
        fd = _abi.check(_library.queztl_vm_open(self._fd, number), number)
        try:
            _abi.check(self._fill(function, structure, fd=fd), number)
        finally:
            os.close(fd)
        return _make(kind, structure)

    def vm(self, number: int) -> Vm:
        """The VM with this id. PermissionError: it is another user's."""
        return self._of_vm("queztl_vm_info_sz", Vm, _abi.Vm(), number)

    def vms(self) -> Iterator[Vm]:
        """The VMs that the caller may ask about: its own, or all (CAP_SYS_PTRACE)."""
        for number in self.vm_ids():
            try:
                yield self.vm(number)
            except (FileNotFoundError, PermissionError):
                continue

    def vm_stats(self, vm: Union[Vm, int]) -> VmStats:
        """Of a VM, or of the VM with this id."""
        number = vm if isinstance(vm, int) else vm.id
        return self._of_vm("queztl_vm_stats_get_sz", VmStats, _abi.VmStats(), number)

    def add_fabric(self, name: str, mode: FabricMode = FabricMode(0)) -> Fabric:
        """Creates a fabric. FileExistsError: the name is in use."""
        number = ctypes.c_uint64()
        _abi.check(_library.queztl_fabric_add(self._fd, name.encode(), ctypes.byref(number)), name)
        try:
            if mode:
                self.set_fabric(number.value, mode)
            return self.fabric(name)
        except OSError:
            self.del_fabric(number.value)
            raise

    def set_fabric(self, fabric: Union[Fabric, int], mode: FabricMode) -> None:
        """Changes the mode of a fabric."""
        number = fabric if isinstance(fabric, int) else fabric.id
        _abi.check(_library.queztl_fabric_set(self._fd, number, mode), number)

    def del_fabric(self, fabric: Union[Fabric, int]) -> None:
        """Removes a fabric. OSError with EBUSY: it has ports."""
        number = fabric if isinstance(fabric, int) else fabric.id
        _abi.check(_library.queztl_fabric_del(self._fd, number), number)
