"""A guest that libvirt starts, from the XML its manual recommends: a vm.Guest in everything else."""
import os
import pathlib
import shutil
import subprocess
import time
from xml.sax.saxutils import escape

import vm

PROGRAMS = ("libvirtd", "virsh")
# libvirt as a host has it, but for what an emulated host without systemd, polkit and cgroups lacks. It looks for its
# user also when told to take another.
USER = "libvirt-qemu"
DAEMON = 'auth_unix_rw = "none"\n'
DRIVER = ('user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n'
          'stdio_handler = "file"\n')

INTERFACE = """<interface type='vdpa'>
      <source dev='{device}'/>
      <mac address='{mac}'/>
    </interface>"""
XML = """<domain type='kvm'>
  <name>{name}</name>
  {metadata}
  <memory unit='MiB'>{mem}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <devices>
    <emulator>{program}</emulator>
    <controller type='usb' model='none'/>
    {interface}
    <channel type='unix'>
      <source mode='bind' path='{tmp}/command'/>
      <target type='virtio' name='queztl.command'/>
    </channel>
    <console type='file'>
      <source path='{tmp}/console'/>
      <target type='virtio'/>
    </console>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def is_there():
    return all(shutil.which(program) for program in PROGRAMS)


def virsh(*words):
    done = subprocess.run(["virsh", "-q", "-c", "qemu:///system", *words], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120 * vm.SLOW)
    if done.returncode:
        raise RuntimeError(f"virsh {' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


class Daemon:
    """libvirtd, for as long as the context lasts, with the limit of locked memory a service has: it is to raise it."""

    def __enter__(self):
        where = pathlib.Path("/etc/libvirt")
        if f"{USER}:" not in pathlib.Path("/etc/passwd").read_text():
            vm.sh("useradd", "--system", "--user-group", "--no-create-home", USER)
        (where / "libvirtd.conf").write_text(DAEMON)
        (where / "qemu.conf").write_text(DRIVER)
        with open(pathlib.Path(os.environ["QZ_OUT"], "libvirtd.log"), "wb") as log:
            self.process = subprocess.Popen(["bash", "-c", "ulimit -l 64; exec libvirtd"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 60 * vm.SLOW
        while True:
            try:
                virsh("version")
                return self
            except (RuntimeError, subprocess.TimeoutExpired):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.process.kill()
                    raise
                time.sleep(0.5)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30 * vm.SLOW)


class Process:
    """What a Guest asks of its QEMU, of one that is libvirt's child."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None and not pathlib.Path(f"/proc/{self.pid}").exists():
            self.returncode = 0
        return self.returncode

    def wait(self, seconds=30):
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("qemu", seconds)
            time.sleep(0.05)


class Domain(vm.Guest):
    def xml(self):
        image = vm.CACHE / "guests" / self.kernel
        return XML.format(name=self.name, mem=self.mem, program=self.program, tmp=self.tmp, kernel=image / "kernel",
                          initrd=image / self.initrd, cmdline=escape(self.cmdline()), interface=self.interface(),
                          metadata=self.metadata())

    def metadata(self):
        return ""

    def interface(self):
        nic = self.nics[0]
        return INTERFACE.format(mac=nic.mac, device=nic.netdev.removeprefix("vhost-vdpa,vhostdev="))

    def start(self):
        (self.tmp / "domain.xml").write_text(self.xml())
        virsh("create", str(self.tmp / "domain.xml"))
        return self.adopt()

    def adopt(self):
        self.process = Process(int(pathlib.Path(f"/run/libvirt/qemu/{self.name}.pid").read_text()))
        return self

    def said(self):
        log = pathlib.Path(f"/var/log/libvirt/qemu/{self.name}.log")
        return (log.read_text(errors="replace")[-800:] if log.exists() else "") + super().said()

    def stop(self):
        if self.process and self.process.poll() is None:
            virsh("destroy", self.name)
            self.process.wait()
        if self.port:
            self.port.close()
            self.port = None


class Defined(Domain):
    """A domain that is shut off and has no network card, as an administrator may have it. The card it gets later is known
    by its MAC address."""

    def __init__(self, name, mac, address, **more):
        super().__init__(name, append=f"qz.net={mac}={address}", **more)
        (self.tmp / "domain.xml").write_text(self.xml())
        virsh("define", str(self.tmp / "domain.xml"))

    def interface(self):
        return ""

    def stop(self):
        super().stop()
        virsh("undefine", self.name)


class Hooked(Defined):
    """A domain whose port is made by the hook when it starts."""

    def __init__(self, name, port, mac, address, attributes, **more):
        self.hooked, self.mac, self.attributes = port, mac, attributes
        super().__init__(name, mac, address, **more)

    def metadata(self):
        return ("<metadata><queztl:ports xmlns:queztl='urn:queztl:ports'>"
                f"<queztl:port name='{self.hooked}' mac='{self.mac}' {self.attributes}/></queztl:ports></metadata>")

    def interface(self):
        return INTERFACE.format(mac=self.mac, device=f"/run/queztl/ports/{self.hooked}")


class Hook:
    """The hook, where libvirt looks for it, and the program that it calls, for as long as the context lasts."""

    def __init__(self, program):
        self.hook = pathlib.Path("/etc/libvirt/hooks/qemu.d/queztl")
        self.program, self.link = program, pathlib.Path("/usr/local/bin/queztl")

    def __enter__(self):
        self.hook.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pathlib.Path(os.environ["QZ_SRC"], "userspace/libvirt/queztl"), self.hook)
        self.hook.chmod(0o755)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.program)

    def __exit__(self, *_):
        self.hook.unlink()
        self.link.unlink()
