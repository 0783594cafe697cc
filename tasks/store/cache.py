"""The local cache of files that were fetched from afar, named by their digests, for all processes of a machine.

    files/<2 digits>/<SHA-256>      the files, read-only
    in-use/<process>/<SHA-256>      links to those that a living process has asked for
    tmp/...                         work in progress

What a process has asked for is linked into a folder of its own, so that it stays there until the process ends, even if
the cache lets go of it meanwhile.
"""

import atexit
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tasks.errors import ConfigError
from tasks.home import foldline_home
from tasks.store.manifest import FileEntry
from tasks.store.scratch import scratch_folder, told
from tasks.store.verify import is_intact, trust

FOLDER_VARIABLE, LIMIT_VARIABLE = "FOLDLINE_CACHE", "FOLDLINE_CACHE_GB"
DEFAULT_LIMIT = "20"
"""Gigabytes (1e9 bytes) that the cache may grow to."""
SLACK = 0.1
"""Part of the limit that is freed at once, and that may come in before anybody looks at the size again."""
REMEDY = f"Free space or mend the permissions; or name another folder with {FOLDER_VARIABLE}."


class Cache:
    """Files by digest, about `limit` bytes at most; the least recently used go first."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._unchecked = limit
        """Bytes that have come in since the size was looked at; at first nobody knows what is there."""
        self._own_folder: Path | None = None
        self._lock = Lock()

    def find(self, entry: FileEntry) -> Path | None:
        """A file with these bytes, verified, which stays as it is until this process ends; None if there is none."""
        shared = self._shared(entry.sha256)
        try:
            held = self._hold(shared, entry)
        except OSError:  # there is none, or the cache can only be read
            held = shared
        if not held.exists():
            return None
        if is_intact(held, entry):
            return held
        for damaged in (held, shared):
            with suppress(OSError):
                damaged.unlink()
        return None

    def add(self, source: Path, entry: FileEntry) -> Path:
        """Move a file, whose bytes are known to be those of `entry`, from a scratch folder of the cache into it.

        Returns it as `find` does. Raises StoreError if the cache cannot be written.
        """
        shared = self._shared(entry.sha256)
        with told(shared, REMEDY):
            source.chmod(0o444)
            shared.parent.mkdir(parents=True, exist_ok=True)
            held = self._hold(source, entry)
            # This replaces what another process may have brought meanwhile: the same bytes.
            source.replace(shared)
        trust(held, entry)
        self._count(entry.size)
        return held

    def keep(self, source: Path, entry: FileEntry) -> None:
        """Link a file, whose bytes are those of `entry`, into the cache, which lies on the same disk.

        It must not be changed any more. Raises OSError.
        """
        shared = self._shared(entry.sha256)
        shared.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o444)
        with suppress(FileExistsError):
            shared.hardlink_to(source)
        self._count(entry.size)

    def read(self, digest: str) -> bytes | None:
        """The bytes with this SHA-256, hex, of a small file, verified; None if they are not there. Holds nothing."""
        shared = self._shared(digest)
        try:
            content = shared.read_bytes()
        except OSError:
            return None
        if sha256(content).hexdigest() != digest:
            shared.unlink(missing_ok=True)
            return None
        with suppress(OSError):  # a cache that can only be read, or has just let go of it
            os.utime(shared, ns=(time.time_ns(), shared.stat().st_mtime_ns))
        return content

    def put(self, content: bytes) -> FileEntry:
        """Keep these bytes, and say what they are. Raises StoreError if the cache cannot be written."""
        entry = FileEntry(sha256=sha256(content).hexdigest(), size=len(content))
        shared = self._shared(entry.sha256)
        with told(shared, REMEDY):
            shared.parent.mkdir(parents=True, exist_ok=True)
            staged = self._own / uuid.uuid4().hex  # swept if this process is killed
            staged.write_bytes(content)
            staged.chmod(0o444)
            staged.replace(shared)
        self._count(entry.size)
        return entry

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the cache's disk; it is gone after the block. Raises StoreError if it cannot be made."""
        with scratch_folder(self.folder / "tmp", REMEDY) as folder:
            yield folder

    def _shared(self, digest: str) -> Path:
        return self.folder / "files" / digest[:2] / digest

    def _hold(self, file: Path, entry: FileEntry) -> Path:
        """Link a file into this process's own folder, if it is not there yet. Raises OSError."""
        held = self._own / entry.sha256
        if not held.exists():
            with suppress(FileExistsError):  # another thread was faster
                held.hardlink_to(file)
        # When it was last used; when it was last changed is left as it is.
        os.utime(held, ns=(time.time_ns(), held.stat().st_mtime_ns))
        return held

    @property
    def _own(self) -> Path:
        """This process's own folder, which is gone when the process is; another one if somebody has deleted it."""
        with self._lock:
            if not self._own_folder or not self._own_folder.is_dir():
                self._own_folder = self._new_folder()
            return self._own_folder

    def _new_folder(self) -> Path:
        held = ExitStack()
        folder = held.enter_context(scratch_folder(self.folder / "in-use", REMEDY))
        process = os.getpid()
        # A forked child holds the parent's folder too, and must not take it along when it ends.
        atexit.register(lambda: held.close() if os.getpid() == process else None)
        return folder

    def _count(self, size: int) -> None:
        with self._lock:
            self._unchecked += size
            if self._unchecked <= self.limit * SLACK:
                return
            self._unchecked = 0
        self._evict()

    def _evict(self) -> None:
        """Bring the size below the limit, unless another process is just doing that."""
        with (self.folder / "evict.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            files = list(_files(self.folder / "files"))
            size = sum(file.size for file in files)
            if size <= self.limit:
                return
            for file in sorted(files, key=lambda file: file.used):
                if size <= self.limit * (1 - SLACK):
                    return
                file.path.unlink(missing_ok=True)
                size -= file.size


class _CachedFile(NamedTuple):
    path: Path
    size: int
    used: int
    """When it was last asked for, nanoseconds."""


def _files(folder: Path) -> Iterator[_CachedFile]:
    for path in folder.glob("*/*"):
        with suppress(FileNotFoundError):
            status = path.stat()
            yield _CachedFile(path, status.st_size, status.st_atime_ns)


def open_cache() -> Cache:
    """The cache that the environment names: FOLDLINE_CACHE, or `cache` in Foldline's home; FOLDLINE_CACHE_GB large.

    Raises:
        ConfigError: the size is no number above 0.
    """
    size = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    try:
        limit = float(size)
    except ValueError:
        limit = 0
    if not 0 < limit < float("inf"):
        raise ConfigError(f"{LIMIT_VARIABLE}={size!r} is no size. Write gigabytes, such as {DEFAULT_LIMIT}.")
    folder = os.environ.get(FOLDER_VARIABLE)
    return _cache(Path(folder).expanduser() if folder else foldline_home() / "cache", int(limit * 1e9))


@cache
def _cache(folder: Path, limit: int) -> Cache:
    """One for each folder: it remembers what this process holds."""
    return Cache(folder, limit)
