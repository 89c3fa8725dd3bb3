"""The accelerator for L1. The existence of /dev/kvm proves nothing; only a guest that boots with it does."""
import os
import pathlib
import tempfile
import time

from . import cache, emulator, process

PROBE_SECONDS = 20


def boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def probe(image):
    """Boot the kernel under KVM without a root file system: its panic for a missing root proves that KVM works."""
    with tempfile.TemporaryDirectory(prefix="queztl-probe-") as tmp:
        console = pathlib.Path(tmp, "console")
        child = process.start([emulator.STOCK, "-nodefaults", "-display", "none", "-M", "q35", "-accel", "kvm",
                               "-cpu", "host", "-m", "512", "-serial", f"file:{console}", "-kernel", image,
                               "-append", "console=ttyS0 panic=-1", "-no-reboot"], f"{tmp}/log")
        deadline = time.monotonic() + PROBE_SECONDS
        try:
            while time.monotonic() < deadline and child.poll() is None:
                time.sleep(0.1)
        finally:
            process.end(child)
        return console.exists() and b"Unable to mount root fs" in console.read_bytes()


def find(image):
    """"kvm" or "tcg"; the probe runs once per boot of this machine."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    answer = cache.root() / "probe"
    with cache.lock("probe"):
        try:
            known, accel = answer.read_text().split()
            if known == boot_id():
                return accel
        except (OSError, ValueError):
            pass
        cache.say("checking /dev/kvm with a real guest")
        accel = "kvm" if probe(image) else "tcg"
        cache.say(f"using {accel}")
        answer.write_text(f"{boot_id()} {accel}\n")
        return accel
