"""The cache of what is downloaded or built once, in ${XDG_CACHE_HOME:-~/.cache}/queztl.

An entry is a directory that is created atomically: it is filled under a temporary name and then renamed. A lock file per
entry serialises its creation, so two runs that start together download once.
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
            say(f"waiting for another run that creates {name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def entry(name, make):
    """The directory `name`. If it does not exist, make(empty directory) fills it."""
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
