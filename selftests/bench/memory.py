#!/usr/bin/env python3
"""What an idle port takes, and how long a full mesh: runs in L1, see ./measure.

    one      1024 ports of one queue pair, and then the mesh of all of them
    sixteen  100 ports of 16 pairs

Ports are created (`created`), then opened and started by a VMM whose guests are idle (`started`). What that takes is the
difference of /proc/meminfo; whose it is, is told by the trace of all allocations for one more port that were not freed.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["QZ_SRC"] + "/selftests/lab/l1")

import fabric

PROGRAM = f"{os.environ['QZ_SRC']}/build/selftests/bench_ports"
TRACING = pathlib.Path("/sys/kernel/tracing")
EVENTS = ("kmalloc", "kmem_cache_alloc", "kfree", "kmem_cache_free")
LINE = re.compile(r"^\s*(.+)-\d+\s+\[\d+\]\s+\S+\s+[\d.]+: (\w+): (.*)$")
# Whose allocations count: other processes are no part of it.
TASKS = re.compile(r"bench_ports|kdevtmpfs|kworker|queztl-")
MEMINFO = ("MemFree", "Slab", "KernelStack", "PageTables", "Percpu", "VmallocUsed")
VHOST = ("vhost", "vhost_vdpa", "vhost_iotlb")
KINDS = {"one": (1, 1024, 16 << 10), "sixteen": (16, 100, 160 << 10)}
OWNERS = {"queztl": "queztl", "vhost": "vhost, vhost_vdpa", "other": "device, sysfs, files, VMAs", "vmm": "worker threads"}
# Functions of others that allocate what is ours, as long as a port comes or is started.
OURS = ("__vdpa_alloc_device", "__kvmalloc_node_noprof")
# What a thread and its stack are made of.
THREAD = ("copy_process", "dup_task_struct", "alloc_pid", "vhost_task_create", "alloc_vmap_area", "__get_vm_area_node",
          "__vmalloc_node_range_noprof", "prepare_creds", "lsm_blob_alloc", "alloc_thread_stack_node")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default="one,sixteen")
    parser.add_argument("--count", type=int, help="ports instead of 1024 and 100")
    parser.add_argument("--marks", action="store_true", help="say where the mesh begins and ends, and keep kallsyms")
    return parser.parse_args()


def run(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], stdout=subprocess.PIPE, text=True, check=True, timeout=1200)
    return done.stdout


class Worker:
    """A program that has done its part, and does one more when told to."""

    def __init__(self, *words):
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.await_ready()

    def await_ready(self):
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{self.process.args}: exit code {self.process.wait()}")

    def one_more(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.await_ready()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def meminfo():
    """In bytes, after what is only cached has gone."""
    time.sleep(1)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    rows = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return {name: int(rows[name].split()[0]) << 10 for name in MEMINFO}


def trace(action):
    """Bytes that `action` allocates and does not free, by (module or "", function)."""
    write = lambda name, text: (TRACING / name).write_text(text)
    write("buffer_size_kb", "16384")
    write("trace", "")
    for event in EVENTS:
        write(f"events/kmem/{event}/enable", "1")
    write("tracing_on", "1")
    action()
    time.sleep(0.2)
    write("tracing_on", "0")
    write("events/enable", "0")
    live = {}
    for line in (TRACING / "trace").read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if not found or not TASKS.match(found[1]):
            continue
        fields = dict(re.findall(r"(\w+)=(\S+)", found[3]))
        if "free" in found[2]:
            live.pop(fields["ptr"], None)
            continue
        module = re.search(r"call_site=\S+ \[(\w+)\]", found[3])
        live[fields["ptr"]] = (module[1] if module else "", fields["call_site"].split("+")[0], int(fields["bytes_alloc"]))
    write("buffer_size_kb", "64")
    total = collections.Counter()
    for module, function, size in live.values():
        total[module, function] += size
    return total


def owner(module, function):
    if module == "queztl" or function in OURS:
        return "queztl"
    if module in VHOST:
        return "vhost"
    return "vmm" if function in THREAD else "other"


def by_owner(allocations):
    found = dict.fromkeys(OWNERS, 0)
    for place, size in allocations.items():
        found[owner(*place)] += size
    return found


def difference(before, after, count):
    """For each port; free memory shrinks."""
    return {name: (after[name] - before[name]) * (-1 if name == "MemFree" else 1) / count for name in MEMINFO}


def mark(options, word, more=None):
    if options.marks:
        print(f"@{word} mesh ports {json.dumps(more)}", flush=True)
        time.sleep(2)                   # it takes a moment to read this and to look


def make_mesh(options):
    before = meminfo()
    mark(options, "begin")
    mesh = json.loads(run("mesh"))
    mark(options, "end", {"units": mesh["ports"] * (mesh["ports"] - 1) // 2})
    mesh["memory"] = difference(before, meminfo(), mesh["ports"])
    return mesh


def measure(options, kind):
    pairs, count, _ = KINDS[kind]
    count = options.count or count
    empty = meminfo()
    creator = Worker("add", 0, count - 2, pairs, "qtmemory")
    created = meminfo()
    found = {"pairs": pairs, "ports": count, "created": difference(empty, created, count - 2)}
    found["created_by"] = trace(creator.one_more)
    creator.one_more()
    creator.end()
    created = meminfo()
    vmm = Worker("start", 0, count - 1, pairs)
    started = meminfo()
    found["started"] = difference(created, started, count - 1)
    found["started_by"] = trace(vmm.one_more)
    if kind == "one":
        found["mesh"] = make_mesh(options)
    vmm.end()
    run("del", 0, count)
    found["left"] = difference(empty, meminfo(), count)
    return found


def kib(value):
    return f"{value / 1024:>10.1f}"


def show(found, bar):
    print(f"\n{found['ports']} ports of {found['pairs']} queue pair{'s' if found['pairs'] > 1 else ''}, idle: KiB for each\n"
          f"{'':<32}{'created':>10}{'started':>10}{'in all':>10}")
    created, started = by_owner(found["created_by"]), by_owner(found["started_by"])
    for name, words in OWNERS.items():
        print(f"{words:<32}{kib(created[name])}{kib(started[name])}{kib(created[name] + started[name])}")
    for name in MEMINFO:
        words = "used: MemFree" if name == "MemFree" else name
        values = found["created"][name], found["started"][name]
        print(f"{words:<32}{kib(values[0])}{kib(values[1])}{kib(sum(values))}{kib(found['left'][name])} left at the end")
    print(f"bar: {bar >> 10} KiB")
    for phase in "created", "started":
        print(f"{phase}, the largest:")
        for (module, function), size in found[f"{phase}_by"].most_common(12):
            print(f"{size:>10}  {function} {module}")
    if "mesh" in found:
        mesh = found["mesh"]
        print(f"\nfull mesh of {mesh['ports']} ports: {mesh['seconds']:.2f} s, a call {1e3 * mesh['seconds'] / mesh['ports']:.2f} ms "
              f"(first {1e3 * mesh['first']:.1f}, longest {1e3 * mesh['longest']:.1f}); "
              f"{mesh['memory']['Slab'] / 1024:.1f} KiB for each port")
    sys.stdout.flush()


def rows(kind, found, conditions):
    bar = KINDS[kind][2]
    name = "fabric_port_memory" if kind == "one" else "fabric_port16_memory"
    created, started = by_owner(found["created_by"]), by_owner(found["started_by"])
    values = [(name, created["queztl"] + started["queztl"], "B", bar),
              (f"{name}_created", found["created"]["Slab"], "B", bar),
              (f"{name}_started", found["created"]["Slab"] + found["started"]["Slab"], "B", bar)]
    if "mesh" in found:
        values.append(("fabric_mesh_1024", found["mesh"]["seconds"], "s", 1))
    return [{"name": name, "value": value, "unit": unit, "baseline_name": "bar", "baseline": base,
             "ratio": round(base / value, 3), "n": found["ports"], "p50": None, "p99": None, "conditions": conditions}
            for name, value, unit, base in values]


def plain(found):
    """For JSON: no tuples as keys."""
    return {name: {" ".join(reversed(place)).strip(): size for place, size in value.most_common()}
            if isinstance(value, collections.Counter) else value for name, value in found.items()}


def main():
    options = parse()
    out = pathlib.Path(os.environ["QZ_OUT"])
    fabric.load()
    fabric.add("qtmemory")
    if options.marks:
        out.joinpath("kallsyms").write_bytes(pathlib.Path("/proc/kallsyms").read_bytes())
    conditions = {**vars(options), **{name: value for name, value in os.environ.items() if name.startswith("QZ_LAB_")}}
    result = {"conditions": conditions, "ports": {}, "rows": []}
    # What the first ports make the kernel keep is not theirs.
    Worker("add", 0, 16, 16, "qtmemory").end()
    Worker("start", 0, 16, 16).end()
    run("del", 0, 16)
    for kind in options.kinds.split(","):
        found = measure(options, kind)
        show(found, KINDS[kind][2])
        result["ports"][kind] = plain(found)
        result["rows"] += rows(kind, found, conditions)
        out.joinpath("memory.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
