"""Counts trace points of KVM and of interrupts between CPUs, by reason, during a piece of work."""
import collections
import contextlib
import pathlib
import re

TRACING = pathlib.Path("/sys/kernel/tracing")
EVENTS = ["kvm_exit", "kvm_emulate_insn", "kvm_mmio", "kvm_pio", "kvm_msr", "kvm_apic", "kvm_eoi", "kvm_pv_eoi",
          "kvm_inj_virq", "kvm_msi_set_irq", "kvm_fast_mmio", "kvm_hypercall", "kvm_page_fault", "kvm_cr",
          "kvm_apic_accept_irq", "kvm_set_irq", "kvm_ack_irq", "kvm_userspace_exit", "kvm_hv_timer_state", "kvm_wfx_arm64",
          "kvm_timer_emulate", "kvm_halt_poll_ns", "kvm_vcpu_wakeup", "ipi/ipi_send_cpu", "ipi/ipi_send_cpumask"]
LINE = re.compile(r"^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+[\d.]+: (\w+): (.*)$")

# What distinguishes events of a kind; the rest (addresses, cookies) is noise.
DETAIL = {
    "kvm_exit": re.compile(r"reason (\S+)|^(?:TRAP: HSR_EC: \S+ \((\w+)\)|(\w+))"),    # x86; ARM64
    "kvm_emulate_insn": re.compile(r": (?:\d+:)?[0-9a-f]+:\s*((?:[0-9a-f]{2} ?)+)"),
    "kvm_mmio": re.compile(r"mmio (.*?len \d+ gpa 0x[0-9a-f]+)"),
    "kvm_fast_mmio": re.compile(r"gpa (0x[0-9a-f]+)"),
    "kvm_pio": re.compile(r"(pio_\w+ at 0x[0-9a-f]+)"),
    "kvm_msr": re.compile(r"(msr_\w+ [0-9a-f]+)"),
    "kvm_apic": re.compile(r"(apic_\w+ \S+)"),
    "kvm_page_fault": re.compile(r"(error_code \S+)"),
    "kvm_userspace_exit": re.compile(r"reason (\S+)"),
    "kvm_inj_virq": re.compile(r"(\S+ \S+)"),
    "kvm_vcpu_wakeup": re.compile(r"^(\w+)"),
    "ipi_send_cpu": re.compile(r"callback=(\w+)"),
    "kvm_apic_accept_irq": re.compile(r"vec (\d+)"),
}


def write(name, text):
    (TRACING / name).write_text(text)


@contextlib.contextmanager
def recording(events=EVENTS, kilobytes=65536):
    """Record these trace points while the body runs; the yielded Counter is filled at the end."""
    counts = collections.Counter()
    write("buffer_size_kb", str(kilobytes))
    write("trace", "")
    for event in events:
        path = TRACING / "events" / (event if "/" in event else f"kvm/{event}") / "enable"
        if path.exists():
            path.write_text("1")
    write("tracing_on", "1")
    try:
        yield counts
    finally:
        write("tracing_on", "0")
        write("events/enable", "0")
        counts.update(count())
        write("trace", "")
        write("buffer_size_kb", "64")


def count():
    counts = collections.Counter()
    with open(TRACING / "trace") as trace:
        for line in trace:
            found = LINE.match(line)
            if not found:
                continue
            event, text = found.group(3), found.group(4)
            detail = DETAIL[event].search(text) if event in DETAIL else None
            counts[f"{event} {next(filter(None, detail.groups()), '').strip() if detail else ''}".strip()] += 1
    return counts


def sample(event, lines=3):
    """A few raw lines of an event that are still in the buffer."""
    with open(TRACING / "trace") as trace:
        return [line for line in trace if f" {event}: " in line][:lines]
