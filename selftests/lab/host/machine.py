"""One emulated host: virtiofsd, QEMU, and the channels between it and the runner."""
import os
import pathlib
import shlex
import shutil
import socket
import sys
import tempfile
import threading
import time

from . import cache, process, root
from .arch import X86

VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")        # QEMU 7's; its successor, a package of its own
LAB = pathlib.Path(__file__).resolve().parent.parent
TOP = LAB.parent.parent
# init_on_alloc: virtiofsd writes to L1's memory behind the emulator's back, which then runs what it had translated from a
# page's last owner. A page that L1 itself zeroes is translated anew. (Debian's kernels do so by default.)
CMDLINE = ("rootfstype=virtiofs root=root ro loglevel=5 log_buf_len=4M panic=-1 oops=panic "
           "panic_on_warn=1 mitigations=off net.ifnames=0 random.trust_cpu=on "
           "rcupdate.rcu_cpu_stall_timeout=60 init_on_alloc=1")
NUDGE_SECONDS = 2
SILENT_SECONDS = 240        # if L1 has not answered a nudge for this long, it hangs
BOOT_SECONDS = 600          # a debug kernel takes half a minute by itself, and compilers may share the machine with us


def virtiofsd_argv(socket_path, source, mode):
    """L1 puts an overlay on what it gets, and an overlay takes no automount points: mounts of L0 are not announced."""
    old, new = VIRTIOFSD
    if not os.path.exists(new):     # where it is, the old path is a link to it
        return [old, f"--socket-path={socket_path}", "-o", f"source={source}", "-o", f"cache={mode}", "-o", "sandbox=chroot",
                "-o", "no_posix_lock"]
    return [new, f"--socket-path={socket_path}", f"--shared-dir={source}", f"--cache={mode}", "--sandbox=chroot",
            "--no-announce-submounts"]


class Listener:
    """A unix socket that QEMU connects a virtio-serial port to. Received bytes are passed to `sink` at once."""

    def __init__(self, path, sink):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(1)
        self.thread = threading.Thread(target=self.pump, args=(sink,), daemon=True)
        self.thread.start()

    def pump(self, sink):
        self.connection, _ = self.server.accept()
        while data := self.connection.recv(65536):
            sink(data)

    def say(self, data):
        """Send data to L1, if L1 can receive it."""
        try:
            self.connection.send(data, socket.MSG_DONTWAIT)
        except (AttributeError, OSError):       # not connected yet, no longer, or L1 does not read
            pass

    def drain(self):
        """Wait for the data that QEMU sent before it ended."""
        self.thread.join(2)


class Machine:
    def __init__(self, options, argv, name="", extra=(), facts=None):
        self.options, self.argv, self.name, self.extra = options, argv, name, list(extra)
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="queztl-lab-"))
        self.out = pathlib.Path(options.out) / name if options.out else self.tmp / "out"
        self.out.mkdir(parents=True, exist_ok=True)
        self.facts = facts or {}
        self.output = self.verdict = self.qemu = None
        self.children, self.words, self.partial, self.shown = [], [], b"", b""
        self.news = threading.Event()
        self.heard_at = self.nudged_at = time.monotonic()

    # -- what L1's init reads before it covers L0's file system -----------------------------------------------------
    def write_job(self):
        facts = {"QZ_SRC": TOP, "QZ_BUILD": TOP / "build" / self.options.arch.directory, "QZ_OUT": "/run/queztl-out",
                 "QZ_MODULES": self.options.kernel.modules, **self.facts}
        for name in ("HOME", "PATH", "XDG_CACHE_HOME", "TERM", "LANG"):
            if name in os.environ and (name != "PATH" or self.options.arch is X86):     # else programs of this machine
                facts[name] = os.environ[name]
        facts.update({name: value for name, value in os.environ.items() if name.startswith("QZ_USER_")})
        lines = [f"export {key}={shlex.quote(str(value))}" for key, value in facts.items()]
        lines += [f"job_cwd={shlex.quote(os.getcwd())}", f"job=({shlex.join(self.argv)})"]
        (self.tmp / "job").write_text("\n".join(lines) + "\n")

    def qemu_argv(self):
        o, t = self.options, self.tmp
        cpu = o.arch.cpus[o.emulator]
        accel = {"kvm": ["-accel", "kvm", "-cpu", "host"], "tcg": ["-accel", "tcg,thread=multi", "-cpu", cpu]}[o.accel]
        if o.icount is not None:
            accel = ["-accel", "tcg,thread=single", "-icount", f"shift={o.icount},sleep=off", "-cpu", cpu]
        argv = [o.qemu, "-nodefaults", "-no-user-config", "-display", "none", *o.arch.machine, *accel,
                "-smp", o.cpus, "-m", o.mem, "-object", f"memory-backend-memfd,id=mem,size={o.mem},share=on",
                "-numa", "node,memdev=mem", "-no-reboot", "-serial", f"file:{t}/console",
                "-monitor", f"unix:{t}/monitor,server=on,wait=off", "-device", "virtio-serial-pci"]
        for share in ("root", "out"):
            argv += ["-chardev", f"socket,id={share}fs,path={t}/{share}.sock",
                     "-device", f"vhost-user-fs-pci,chardev={share}fs,tag={share}"]
        for port in ("output", "verdict"):
            argv += ["-chardev", f"socket,id={port},path={t}/{port}",
                     "-device", f"virtserialport,chardev={port},name=queztl.{port}"]
        for index, disk in enumerate(o.disk):
            argv += ["-drive", f"file={disk},if=none,id=disk{index},format=raw",
                     "-device", f"virtio-blk-pci,drive=disk{index}"]
        for nic in o.nic:
            argv += ["-nic", nic]
        for plugin in o.plugin:
            argv += ["-plugin", plugin]
        return [*argv, *self.extra, "-kernel", o.kernel.image, "-append",
                f"console={o.arch.console} {CMDLINE} {o.arch.cmdline} {o.append} init={LAB}/l1/init queztl.job={t}/job"]

    def server_argv(self, share, source, mode):
        """virtiofsd. An L1 of this machine's architecture has this machine's root."""
        socket_path = self.tmp / f"{share}.sock"
        if share != "root" or self.options.arch is X86:
            return virtiofsd_argv(socket_path, source, mode)
        where = self.tmp / "root"
        where.mkdir()
        return root.served(self.options.arch, where, [TOP, cache.root(), self.tmp, pathlib.Path.cwd()],
                           virtiofsd_argv(socket_path, where / "root", mode))

    # -- life -------------------------------------------------------------------------------------------------------
    def start(self):
        self.write_job()
        for share, source, mode in (("root", "/", "always"), ("out", self.out, "auto")):
            self.children.append(process.start(self.server_argv(share, source, mode), self.tmp / "virtiofsd.log"))
        self.output = Listener(self.tmp / "output", self.show)
        self.verdict = Listener(self.tmp / "verdict", self.hear)
        self.await_sockets()
        self.qemu = process.start(self.qemu_argv(), self.tmp / "qemu.log")
        self.children.insert(0, self.qemu)

    def await_sockets(self):
        deadline = time.monotonic() + 10
        while not all((self.tmp / f"{share}.sock").exists() for share in ("root", "out")):
            if time.monotonic() > deadline:
                raise SystemExit("lab: virtiofsd did not start within 10 s: " + (self.tmp / "virtiofsd.log").read_text())
            time.sleep(0.01)

    def show(self, data):
        """Print the output of the script. With several machines, print line by line, prefixed with the machine's name."""
        if self.name:
            *lines, self.shown = (self.shown + data).split(b"\n")
            data = b"".join(b"%s| %s\n" % (self.name.encode(), line) for line in lines)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def hear(self, data):
        *lines, self.partial = (self.partial + data).split(b"\n")
        self.heard_at = time.monotonic()
        self.words += [line.decode().split() for line in lines]
        self.news.set()

    def heard(self, word):
        return next((words for words in self.words if words[0] == word), None)

    def wait_for(self, word, seconds):
        """The channel's line that starts with `word`, or None if QEMU ended, L1 hangs or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.heard(word):
            alive = self.qemu.poll() is None
            if not alive:
                self.verdict.drain()
            if not alive or self.stands_still() or time.monotonic() > deadline:
                break
            self.nudge()
            self.news.wait(0.1)
            self.news.clear()
        return self.heard(word)

    def nudge(self):
        """Ask L1 whether it is alive. The interrupt also wakes an L1 that would sleep for ever.

        Observed in an L1 that hung: the timer interrupt was pending in the APIC's IRR, interrupts were enabled, and the
        CPU was halted. The timer is one-shot, so no other interrupt follows. Since L1 is nudged, none hung in two hours
        of nested guests. We conclude that an interrupt of another device makes the CPU check again. Not needed in
        virtual time, where the emulator has only one thread.
        """
        now = time.monotonic()
        if self.heard("start") and self.options.icount is None and now - self.nudged_at > NUDGE_SECONDS:
            self.nudged_at = now
            self.verdict.say(b"alive?\n")

    def stands_still(self):
        """L1 has started but does not answer. In virtual time it may just be slow, so that is not checked."""
        return (self.heard("start") and self.options.icount is None
                and time.monotonic() - self.heard_at > SILENT_SECONDS)

    def ask_where(self):
        """Make a hung L1 panic, so that the console shows where it hangs."""
        try:
            monitor = socket.socket(socket.AF_UNIX)
            monitor.connect(f"{self.tmp}/monitor")
            monitor.sendall(b"nmi\n")
            self.qemu.wait(5)
        except Exception:           # QEMU may not answer; then the console is used as it is
            pass

    def log(self, name):
        path = {"dmesg": self.out / "dmesg"}.get(name, self.tmp / name)
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self):
        for child in self.children:
            process.end(child)
        if self.qemu:
            self.output.drain()
        if self.options.out:
            for name in ("console", "qemu.log"):
                if (self.tmp / name).exists():
                    shutil.copy(self.tmp / name, self.out / name)
        shutil.rmtree(self.tmp, ignore_errors=True)
