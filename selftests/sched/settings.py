#!/usr/bin/env python3
"""The map "settings" of the BPF scheduler: list its keys, or add a process with the usual setting, not by hand.

    settings.py [PID]

With an entry a process is a VM, as if queztl.ko had named it.
"""
import ctypes
import os
import platform
import struct
import sys

NUMBER = {"x86_64": 321, "aarch64": 280}[platform.machine()]        # SYS_bpf
UPDATE, NEXT_KEY, GET = 2, 4, 7
PATH = b"/sys/fs/bpf/queztl/settings"
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, *words):
    attr = ctypes.create_string_buffer(struct.pack("=QQQQ", *words, *[0] * (4 - len(words))))
    result = libc.syscall(NUMBER, command, attr, 32)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf {command}")
    return result


def keys(settings):
    key = ctypes.c_uint32()
    before = 0
    try:
        while True:
            bpf(NEXT_KEY, settings, before, ctypes.addressof(key))
            yield key.value
            before = ctypes.addressof(key)
    except FileNotFoundError:
        pass


def main(pids):
    path = ctypes.create_string_buffer(PATH)
    settings = bpf(GET, ctypes.addressof(path))
    if not pids:
        print(*keys(settings))
    for pid in pids:
        key, value = ctypes.c_uint32(int(pid)), ctypes.create_string_buffer(12)
        bpf(UPDATE, settings, ctypes.addressof(key), ctypes.addressof(value), 0)
    os.close(settings)


if __name__ == "__main__":
    main(sys.argv[1:])
