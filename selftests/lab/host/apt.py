"""Download Debian packages by name, without touching the user's apt configuration.

A private apt state, one for each release and architecture of Debian, names the same mirrors as the user's own sources (asked of apt at run
time), plus the release's backports suite there. Packages are unpacked with dpkg -x, never installed.
"""
import functools
import os
import pathlib
import re
import subprocess

from . import cache
from .arch import X86

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"      # has the keys of the next release, too


def codename():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r"^VERSION_CODENAME=(\w+)", text, re.M).group(1)


@functools.cache
def mirrors():
    """(uri, suite) pairs of the user's Debian sources. This query works even before the first apt-get update."""
    suites = {codename() + tail for tail in ("", "-security", "-updates")}
    out = subprocess.run(["apt-get", "update", "--print-uris"], check=True, capture_output=True, text=True).stdout
    found = [(uri, suite) for uri, suite in re.findall(r"^'(\S+)/dists/([^/\s]+)/InRelease'", out, re.M)
             if suite in suites]
    if not found:
        raise SystemExit(f"lab: apt has no source for Debian {codename()}: add one to /etc/apt")
    if not any(suite.endswith("-security") for _, suite in found):
        cache.say(f"apt has no source for {codename()}-security: 6.12 kernels may be missing")
    return found


class Archive:
    """A release of Debian on those mirrors."""

    def __init__(self, release=None, arch=X86):
        self.release, self.arch = release or codename(), arch
        self.state = cache.root() / (("apt" if self.release == codename() else f"apt-{self.release}") + arch.tail)

    def sources_text(self):
        """Other vendors name suites after Debian's too: such a source fails its signature check, and is ignored."""
        pairs = [(uri, self.release + suite.removeprefix(codename())) for uri, suite in mirrors()]
        pairs += [(uri, self.release + "-backports") for uri, suite in pairs if suite == self.release]
        return "".join(f"deb [signed-by={KEYRING}] {uri} {suite} main\n" for uri, suite in dict.fromkeys(pairs))

    def options(self):
        for sub in ("lists/partial", "archives/partial"):
            (self.state / sub).mkdir(parents=True, exist_ok=True)
        return ["-o", f"Dir::State::lists={self.state}/lists", "-o", f"Dir::Cache={self.state}",
                "-o", f"Dir::Etc::sourcelist={self.state}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
                "-o", "Dir::Etc::preferences=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null",
                "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", "APT::Get::List-Cleanup=0",
                "-o", "Acquire::Languages=none", *self.foreign_options()]

    def foreign_options(self):
        """Of another architecture nothing is installed on this machine."""
        if self.arch is X86:
            return []
        (self.state / "status").touch()
        return ["-o", f"APT::Architecture={self.arch.debian}", "-o", f"APT::Architectures={self.arch.debian}",
                "-o", f"Dir::State::status={self.state}/status"]

    def run(self, program, *args, cwd=None, must=True):
        done = subprocess.run([program, *self.options(), *args], cwd=cwd, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL)
        if done.returncode and must:
            raise SystemExit(f"lab: {program} {' '.join(args)} failed:\n{done.stderr.strip()}")
        return done.stdout

    def update(self):
        sources = self.state / "sources.list"
        sources.parent.mkdir(parents=True, exist_ok=True)
        with cache.lock(self.state.name):
            sources.write_text(self.sources_text())
            cache.say(f"reading the mirror's package lists of {self.release}{self.arch.tail}")
            self.run("apt-get", "update", "-qq", must=False)    # what a failed source lacks is named when it is missed

    def newest(self, package, suites=None):
        """The newest version of a package the mirror has (in one of these suites, when given)."""
        rows = re.findall(rf"^\s*{re.escape(package)} \|\s+(\S+) \| (.*)$", self.run("apt-cache", "madison", package), re.M)
        for version, where in rows:
            if suites is None or any(f" {suite}/" in where for suite in suites):
                return version
        raise SystemExit(f"lab: the mirror has no {package}" + (f" in {' or '.join(suites)}" if suites else ""))

    def has(self, package):
        return bool(self.run("apt-cache", "madison", package).strip())

    def depends(self, package, version):
        fields = self.run("apt-cache", "show", f"{package}={version}")
        return re.findall(r"([\w.+-]+)(?: \([^)]*\))?(?:, |$)", re.search(r"^Depends: (.*)$", fields, re.M).group(1))

    def missing_for(self, suite, *packages):
        """name=version of every package an installation of `packages` from `suite` would add to this machine."""
        out = self.run("apt-get", "install", "--simulate", "--no-install-recommends", "-t", suite, *packages)
        return [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) .*?\((\S+) ", out, re.M)]

    def unpack(self, packages, where):
        """Download packages (name or name=version) and unpack them below the directory `where`."""
        debs = pathlib.Path(where) / ".debs"
        debs.mkdir()
        cache.say(f"fetching {' '.join(packages)}" if len(packages) < 30 else f"fetching {len(packages)} packages")
        self.run("apt-get", "download", "-qq", *packages, cwd=debs)
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", deb, where], check=True)
            deb.unlink()
        debs.rmdir()
