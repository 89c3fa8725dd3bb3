"""Download Debian packages by name, without touching the user's apt configuration.

A private apt state names the same mirrors as the user's own sources (queried from apt at run time), plus the backports
suite of the same mirror. Packages are unpacked with dpkg -x, never installed.
"""
import os
import pathlib
import re
import subprocess

from . import cache


def codename():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r"^VERSION_CODENAME=(\w+)", text, re.M).group(1)


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


def sources_text():
    """Other vendors use Debian's suite names too. Such a source fails its signature check and is ignored."""
    pairs = mirrors()
    pairs += [(uri, codename() + "-backports") for uri, suite in pairs if suite == codename()]
    return "".join(f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} main\n"
                   for uri, suite in dict.fromkeys(pairs))


def options():
    state = cache.root() / "apt"
    for sub in ("lists/partial", "archives/partial"):
        (state / sub).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}",
            "-o", f"Dir::Etc::sourcelist={state}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", "Dir::Etc::preferences=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null",
            "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", "APT::Get::List-Cleanup=0",
            "-o", "Acquire::Languages=none"]


def run(program, *args, cwd=None, must=True):
    done = subprocess.run([program, *options(), *args], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL)
    if done.returncode and must:
        raise SystemExit(f"lab: {program} {' '.join(args)} failed:\n{done.stderr.strip()}")
    return done.stdout


def update():
    sources = cache.root() / "apt" / "sources.list"
    sources.parent.mkdir(parents=True, exist_ok=True)
    with cache.lock("apt"):
        sources.write_text(sources_text())
        cache.say("downloading the package lists")
        run("apt-get", "update", "-qq", must=False)         # if a source fails, the missing package is reported later


def newest(package, suite=None):
    """The newest version of a package on the mirror (in a suite, if given)."""
    versions = re.findall(rf"^\s*{re.escape(package)} \| (\S+) \| (.*)$", run("apt-cache", "madison", package), re.M)
    for version, where in versions:
        if suite is None or f" {suite}/" in where:
            return version
    raise SystemExit(f"lab: the mirror has no {package}" + (f" in {suite}" if suite else ""))


def depends(package):
    return re.findall(r"^\s*\|?Depends: <?([^\s<>]+)", run("apt-cache", "depends", package), re.M)


def missing_for(package, suite):
    """name=version of every package that installing `package` from `suite` would add to this machine."""
    out = run("apt-get", "install", "--simulate", "--no-install-recommends", "-t", suite, package)
    return [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) .*?\((\S+) ", out, re.M)]


def unpack(packages, where):
    """Download packages (name or name=version) and unpack them in the directory `where`."""
    debs = pathlib.Path(where) / ".debs"
    debs.mkdir()
    cache.say(f"downloading {' '.join(packages)}")
    run("apt-get", "download", "-qq", *packages, cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", deb, where], check=True)
        deb.unlink()
    debs.rmdir()
