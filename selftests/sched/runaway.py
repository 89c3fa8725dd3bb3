#!/usr/bin/env python3
"""Realtime tasks that take CPUs, and what becomes of a VM and of the scheduler meanwhile.

    runaway.py PID SECONDS CPU...

It is realtime itself, and needs no file but those of /proc and /sys: whoever else would look may not run. It ends after so
many seconds, or 15 s after the scheduler. Prints whether that is `on` or `off` in the end, and how many seconds before the
last 15 s were; for how many ms the threads of PID have run until then, and in the last 15 s.
"""
import glob
import os
import signal
import sys
import time

AFTER = 15


def spin(cpu):
    pid = os.fork()
    if not pid:
        os.sched_setaffinity(0, [cpu])
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        while True:
            pass
    return pid


def ran(pid):
    total = 0
    for name in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(name, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total // 1000000


def is_on():
    with open("/sys/kernel/sched_ext/state", encoding="ascii") as file:
        return file.read() == "enabled\n"


def main(pid, seconds, *cpus):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    begun = time.monotonic()
    first = ran(pid)
    spinners = [spin(int(cpu)) for cpu in cpus]
    while is_on() and time.monotonic() - begun < max(int(seconds) - AFTER, 1):
        time.sleep(0.5)
    lasted, middle = time.monotonic() - begun, ran(pid)
    time.sleep(AFTER)
    state, last = "on" if is_on() else "off", ran(pid)
    for spinner in spinners:
        os.kill(spinner, signal.SIGKILL)
    print(state, f"{lasted:.0f}", middle - first, last - middle)


if __name__ == "__main__":
    main(*sys.argv[1:])
