"""Determines the exit code from the run of a machine."""
import dataclasses

from . import cache, machine, verdict

SKIP = 4                    # kselftest's
SPLAT, LAB_FAULT, TIME_OUT = 100, 101, 102


@dataclasses.dataclass
class Outcome:
    kind: str               # clean, splat, lab-fault, time-out
    code: int
    reason: str = ""
    evidence: str = ""


def text_of(blocks):
    return "\n".join("\n".join(block) for block in blocks)


def judge_death(host):
    """L1 died without a verdict: a splat if a Queztl module is on a stack, else a fault of the emulator."""
    console = host.log("console")
    cause = verdict.death_cause(console)
    if verdict.is_ours(console):
        return Outcome("splat", SPLAT, cause, text_of(verdict.splats(console)))
    tail = console[-1500:] or host.log("qemu.log")[-1500:]
    return Outcome("lab-fault", LAB_FAULT, cause, tail)


def watch(host):
    """Wait for the verdict of a machine that was started."""
    if not host.wait_for("start", machine.BOOT_SECONDS):
        return judge_death(host)
    end = host.wait_for("end", host.options.time_limit)
    if end:
        found = verdict.splats(host.log("dmesg"))
        if found:
            return Outcome("splat", SPLAT, found[0][0], text_of(found))
        if int(end[1]) == LAB_FAULT:
            return Outcome("lab-fault", LAB_FAULT, "a guest met a fault of the emulator")
        return Outcome("clean", int(end[1]))
    if host.qemu.poll() is not None:
        return judge_death(host)
    if host.stands_still():
        host.ask_where()
        found = judge_death(host)
        return dataclasses.replace(found, reason=f"L1 hung for {machine.SILENT_SECONDS} s: {found.reason}")
    host.ask_where()
    console = host.log("console")
    return Outcome("time-out", TIME_OUT, f"the script did not end within {host.options.time_limit} s", text_of(verdict.splats(console)))


def worst(outcomes):
    order = ["clean", "lab-fault", "time-out", "splat"]
    return max(outcomes, key=lambda outcome: (order.index(outcome.kind), outcome.code != SKIP, outcome.code))


def tell(outcome, seconds, faults, accel):
    line = f"{outcome.kind}, exit {outcome.code}, {seconds:.1f} s, {accel}"
    if faults:
        line += f", lab faults {faults}"
    if outcome.evidence and outcome.kind != "lab-fault":
        cache.say("kernel log:\n" + outcome.evidence)
    cache.say(line + (f": {outcome.reason}" if outcome.reason else ""))
