"""Things fetched or built once, kept in ${XDG_CACHE_HOME:-~/.cache}/queztl.

An entry is a directory that appears whole or not at all: it is made under a temporary name and renamed. One lock file
serialises makers, so two runs started together fetch once.
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import sys
import tempfile


def root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(base) / "queztl"
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def lock(name):
    with open(root() / f".{name}.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that makes {name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def entry(name, make):
    """The directory `name`, made by make(empty directory) when it is not there yet."""
    path = root() / name
    if path.exists():
        return path
    with lock(name.replace("/", "-")):
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        tmp = pathlib.Path(tempfile.mkdtemp(prefix=".tmp-", dir=root()))
        try:
            tmp.chmod(0o755)
            make(tmp)
            tmp.rename(path)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    return path


def point(name, target):
    """Make `name` a symbolic link to the entry `target`, atomically."""
    link = root() / name
    link.parent.mkdir(parents=True, exist_ok=True)
    tmp = link.with_name(f".{link.name}.{os.getpid()}")
    tmp.symlink_to(os.path.relpath(target, link.parent))
    tmp.rename(link)
    return link.resolve()
