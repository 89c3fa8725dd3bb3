"""Schedulers to compare, and the scenarios of sched/sim under each of them, with threads of the host. For sched.py, in L1."""
import json
import os
import pathlib
import subprocess
import time

SRC = pathlib.Path(os.environ["QZ_SRC"])
BUILD = pathlib.Path(os.environ.get("QZ_BUILD", SRC / "build"))
QUEZTL, SIM = BUILD / "userspace/queztl", BUILD / "sim/qzsim"
MODULE = BUILD / "kmod" / os.uname().release / "queztl.ko"
SCENARIOS = SRC / "sched/sim/scenarios"
MODES = pathlib.Path("/sys/kernel/debug/sched/cgroup_mode")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
WARM_UP_MS = 500


def queztl(*words):
    return subprocess.run([QUEZTL, *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def mode():
    """The one in parentheses, where the kernel has a choice."""
    return MODES.read_text().split("(")[1].split(")")[0] if MODES.exists() else None


class Kernel:
    """The kernel's own scheduler, and options of qzsim."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Mode(Kernel):
    """The kernel's in another mode of its groups."""

    def __enter__(self):
        self.before = mode()
        MODES.write_text("smp")
        return self

    def __exit__(self, *_):
        MODES.write_text(self.before)


class Queztl(Kernel):
    """BPF's, as long as the module is not there."""

    def __enter__(self):
        queztl("sched", "start")
        return self

    def __exit__(self, *_):
        queztl("sched", "stop")


class Native(Queztl):
    """The module's."""

    def __enter__(self):
        subprocess.run(["modprobe", "-a", "vdpa", "vhost_vdpa", "vhost_iotlb", "kvm", "vhost"], check=True)
        subprocess.run(["insmod", MODULE], check=True)
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        subprocess.run(["rmmod", "queztl"], check=True)


SIDES = {
    "kernel": Kernel(),
    "smp": Mode(),
    "slices": Kernel("-l", "100"),              # 0.1 ms, the shortest that EEVDF takes
    "period": Kernel("-p", "10000"),            # of cpu.max
    "bpf": Queztl(),
    "native": Native(),
}


def available(name):
    return name != "smp" or MODES.exists()


def command(side, scenario, seed, seconds, variables, *more):
    words = [f"-D{name}={value}" for name, value in variables.items()]
    return [SIM, "-s", "real", "-ja", "-w", str(WARM_UP_MS), "-d", str(seconds), "-r", str(seed), *side.options, *more,
            *words, SCENARIOS / f"{scenario}.sim"]


def rows_of(said):
    return {row["vm"]: row for row in map(json.loads, said.splitlines())}


def run(name, scenario, seed, seconds, *more, **variables):
    """The scenario's VMs by name, under a scheduler; more: options of qzsim."""
    with SIDES[name] as side:
        return rows_of(subprocess.run(command(side, scenario, seed, seconds, variables, *more), check=True, text=True,
                                      stdout=subprocess.PIPE).stdout)


def processes(count):
    """Of the VMs by name, when all are there, which is before they run."""
    while True:
        pids = {path.name.removeprefix("qzsim-"): (path / "cgroup.procs").read_text().split()
                for path in CGROUPS.glob("qzsim-*")}
        if sum(len(found) == 1 for found in pids.values()) == count:
            return {name: int(found[0]) for name, found in pids.items()}
        time.sleep(.02)


def run_watched(name, scenario, count, seed, seconds, **variables):
    """The same, with so many VMs, and "top" of each: how long it waited, ns, as queztl top says from before until after."""
    watch = seconds + 2         # threads run from 0.5 s on, for 0.5 s that do not count and those that do
    with SIDES[name] as side, subprocess.Popen(command(side, scenario, seed, seconds, variables, "-k", "3000"), text=True,
                                               stdout=subprocess.PIPE) as running:
        pids = processes(count)
        said = json.loads(queztl("top", "--json", "--once", "-d", str(watch), *map(str, pids.values())))
        vms = rows_of(running.stdout.read())
    if running.returncode:
        raise SystemExit(f"sched: qzsim ends with {running.returncode}")
    by_pid = {vm["pid"]: vm for vm in said["vms"]}
    for vm, pid in pids.items():
        vms[vm]["top"] = by_pid[pid]["percent"]["ready"] / 100 * by_pid[pid]["interval_ns"]
    return vms
