# SPDX-License-Identifier: LGPL-2.1-or-later
"""libqueztl as it is: its structures and its functions, for ctypes. Programs use the package queztl instead."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint, c_uint8, c_uint16, c_uint32, c_uint64
from typing import Any

NAME_MAX = 32
DROP_ROOM = 16
ENOENT = -2


class Info(ctypes.Structure):
    """struct queztl_info"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("abi_version", c_uint32), ("reserved", c_uint32),
                ("features", c_uint64), ("vms", c_uint32), ("fabrics", c_uint32), ("module", c_char * NAME_MAX),
                ("kernel", c_char * 64)]


class Vm(ctypes.Structure):
    """struct queztl_vm"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("pid", c_int32), ("uid", c_uint32),
                ("vcpus", c_uint32), ("reserved", c_uint32), ("seen_ns", c_uint64), ("comm", c_char * 16)]


class VmStats(ctypes.Structure):
    """struct queztl_vm_stats"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("exits", c_uint64), ("halt_exits", c_uint64),
                ("mmio_exits", c_uint64), ("io_exits", c_uint64), ("irq_injections", c_uint64),
                ("insn_emulations", c_uint64), ("signal_exits", c_uint64)]


class Fabric(ctypes.Structure):
    """struct queztl_fabric"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("ports", c_uint32), ("mode", c_uint32),
                ("name", c_char * NAME_MAX)]


class Port(ctypes.Structure):
    """struct queztl_port"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("fabric_id", c_uint64),
                ("name", c_char * NAME_MAX), ("mac", c_uint8 * 6), ("mtu", c_uint16), ("state", c_uint32),
                ("pid", c_int32), ("max_vqp", c_uint16), ("mode", c_uint16), ("reserved", c_uint16 * 2)]


class PortStats(ctypes.Structure):
    """struct queztl_port_stats"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("tx_packets", c_uint64),
                ("tx_bytes", c_uint64), ("rx_packets", c_uint64), ("rx_bytes", c_uint64), ("kicks", c_uint64),
                ("rx_interrupts", c_uint64), ("tx_interrupts", c_uint64), ("tx_held", c_uint64),
                ("direct_runs", c_uint64), ("worker_runs", c_uint64), ("drops", c_uint64 * DROP_ROOM),
                ("tx_paced", c_uint64), ("tx_waited", c_uint64)]


class Window(ctypes.Structure):
    """struct queztl_window"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("name", c_char * NAME_MAX),
                ("slots", c_uint32), ("used", c_uint32), ("region", c_uint32), ("pid", c_int32), ("memory", c_uint64),
                ("diverted", c_uint64)]


class Channel(ctypes.Structure):
    """struct queztl_channel"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("id", c_uint64), ("name", c_char * NAME_MAX),
                ("listener", c_char * NAME_MAX), ("connecter", c_char * NAME_MAX), ("bytes", c_uint32),
                ("reserved", c_uint32)]


STRUCTURES = {"queztl_info": Info, "queztl_vm": Vm, "queztl_vm_stats": VmStats, "queztl_fabric": Fabric,
              "queztl_port": Port, "queztl_port_stats": PortStats, "queztl_window": Window,
              "queztl_channel": Channel}

# Arguments; the result is an int, unless it is in NAMES.
FUNCTIONS: dict[str, list[Any]] = {
    "queztl_open": [],
    "queztl_get_info_sz": [c_int, POINTER(Info), c_size_t],
    "queztl_vm_next": [c_int, POINTER(c_uint64)],
    "queztl_vm_open": [c_int, c_uint64],
    "queztl_vm_info_sz": [c_int, POINTER(Vm), c_size_t],
    "queztl_vm_stats_get_sz": [c_int, POINTER(VmStats), c_size_t],
    "queztl_fabric_add": [c_int, c_char_p, POINTER(c_uint64)],
    "queztl_fabric_del": [c_int, c_uint64],
    "queztl_fabric_set": [c_int, c_uint64, c_uint32],
    "queztl_fabric_next_sz": [c_int, POINTER(Fabric), c_size_t],
    "queztl_fabric_find_sz": [c_int, c_char_p, POINTER(Fabric), c_size_t],
    "queztl_port_next_sz": [c_int, POINTER(Port), c_size_t],
    "queztl_port_find_sz": [c_int, c_char_p, POINTER(Port), c_size_t],
    "queztl_port_stats_get_sz": [c_int, c_uint64, POINTER(PortStats), c_size_t],
    "queztl_window_next_sz": [c_int, POINTER(Window), c_size_t],
    "queztl_channel_next_sz": [c_int, POINTER(Channel), c_size_t],
}
NAMES: dict[str, list[Any]] = {
    "queztl_version": [],
    "queztl_drop_name": [c_uint],
    "queztl_drop_text": [c_uint],
}


def load(name: str = "libqueztl.so.0") -> ctypes.CDLL:
    """The library; OSError if it is not installed, AttributeError if it is an older one."""
    library = ctypes.CDLL(name)
    for functions, result in ((FUNCTIONS, c_int), (NAMES, c_char_p)):
        for function, arguments in functions.items():
            pointer = getattr(library, function)
            pointer.argtypes, pointer.restype = arguments, result
    return library


def check(result: int, what: object = None) -> int:
    """What a function returned, or an OSError. Its subclass is that of errno: FileNotFoundError, PermissionError..."""
    if result < 0:
        raise OSError(-result, os.strerror(-result), *([] if what is None else [str(what)]))
    return result
