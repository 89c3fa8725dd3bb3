"""Packages of Debian's, and what they depend on, as files to be installed in a clean root without a network."""
import hashlib
import shutil

from . import apt, cache


def find(release, root, packages):
    """The directory with the files, made once for a root."""
    key = hashlib.sha256("\n".join((root.name, *packages)).encode()).hexdigest()[:12]

    def make(tree):
        archive = apt.Archive(release)
        archive.update()
        (tree / "partial").mkdir()
        cache.say(f"fetching {' '.join(packages)} and what they need")
        archive.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "--download-only",
                    "-o", f"Dir::State::status={root}/var/lib/dpkg/status", "-o", f"Dir::Cache::archives={tree}",
                    *packages)
        for name in ("partial", "lock"):
            path = tree / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    return cache.entry(f"debs/{release}-{key}", make)
