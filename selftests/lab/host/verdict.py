"""Evaluates the logs of a run: kernel splats, and the cause of the death of L1."""
import re

# Lines that no healthy run prints. Boot-time "WARNING" of firmware tables and the like do not match these forms.
SPLAT = re.compile(r"""
    WARNING:\ CPU | WARNING:\ (possible|suspicious|inconsistent|bad|held|kernel|lock|chain|stack) |
    BUG:\  | kernel\ BUG\ at | \bOops\b | Call\ [Tt]race: | KASAN: | KCSAN: | KFENCE: | UBSAN: | DEBUG_LOCKS_WARN_ON |
    possible\ (circular|recursive|irq)\ lock | INFO:\ task\ .*\ blocked\ for | INFO:\ rcu_ | rcu:\ INFO:\ .*\ stall |
    detected\ stalls? | soft\ lockup | hard\ LOCKUP | general\ protection\ fault | scheduling\ while\ atomic |
    sleeping\ function\ called | Unable\ to\ handle | unable\ to\ handle | refcount_t: | list_(add|del)\ corruption |
    corrupted\ stack\ end | double\ free | Bad\ page\ state | Kernel\ panic | int3: | Modules\ linked\ in: |
    workqueue\ lockup | still\ has\ locks\ held | kmemleak:\ .*new\ suspected | trying\ to\ register\ non-static\ key
    """, re.X)
END = re.compile(r"---\[ end (trace|Kernel panic)")

# A frame or RIP (ARM64: pc) inside a Queztl module, or a RIP in module space that belongs to no module (called after unload). The
# list of modules always names Queztl's, and a "?" frame is left over from an earlier call on that stack: both prove
# nothing.
OUR_FRAME = re.compile(r"\[(queztl|qhp_guest|qz_\w+)[\] ]|RIP: 0010:0xffffffffc|pc : 0xffff8000[0-7]")
NO_PROOF = re.compile(r"Modules linked in:|last unloaded:|\]\s+\? ")


# The kernel's report of a failed allocation, with a trace, in the test that makes allocations fail on purpose.
REFUSED = re.compile(r"\bfailnth: (vmalloc error|page allocation failure)")
TRACE_END = re.compile(r"</TASK>|\b(el0t_64_sync|ret_from_fork)\+")       # x86; ARM64, a call's and a thread's


def without_refusals(lines):
    refused = False
    for line in lines:
        refused = refused or bool(REFUSED.search(line))
        if not refused:
            yield line
        refused = refused and not TRACE_END.search(line)


def splats(log):
    """The splats of a kernel log, each a list of lines."""
    found, block = [], None
    for line in without_refusals(log.splitlines()):
        if block is None and SPLAT.search(line):
            block = []
            found.append(block)
        if block is not None:
            block.append(line)
            if END.search(line) or len(block) >= 80:
                block = None
    return found


def is_ours(log):
    """Whether a Queztl module is in a call trace of this log."""
    return any(OUR_FRAME.search(line) and not NO_PROOF.search(line)
               for block in splats(log) for line in block)


def death_cause(log):
    """One line that says how L1 died, from its console."""
    lines = [line for block in splats(log) for line in block]
    for pattern in (r"WARNING: CPU", r"BUG:|kernel BUG|general protection|Oops", r"Kernel panic", r""):
        for line in lines:
            if pattern and re.search(pattern, line):
                return re.sub(r"^(\[ *[\d.]+\])?(\[ *[TC]\d+\])? *", "", line.strip())
    return "silent death (no splat on the console)"
