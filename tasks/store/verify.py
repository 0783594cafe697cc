"""Checking a file against its digest, once a process as long as it stays as it is."""

from pathlib import Path
from threading import Lock

from tasks.store.manifest import FileEntry, describe_file

_verified: set[tuple[str, int, int, str]] = set()
_verified_lock = Lock()


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Digest and size of every file below `folder`, by its relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = {path: describe_file(path) for path in paths}
    for path, entry in entries.items():
        trust(path, entry)
    return {path.relative_to(folder).as_posix(): entry for path, entry in entries.items()}


def is_intact(path: Path, entry: FileEntry) -> bool:
    """Whether the file's bytes are those of `entry`. An unchanged file is read once a process."""
    seen = _state(path, entry)
    with _verified_lock:
        if seen in _verified:
            return True
    if describe_file(path) != entry:
        return False
    trust(path, entry)
    return True


def trust(path: Path, entry: FileEntry) -> None:
    """Note that the file, as it is now, has been compared with `entry`."""
    with _verified_lock:
        _verified.add(_state(path, entry))


def _state(path: Path, entry: FileEntry) -> tuple[str, int, int, str]:
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size, entry.sha256
