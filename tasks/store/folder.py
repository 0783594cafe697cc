"""The backend that keeps objects in a folder."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tasks.errors import AlreadyExistsError, NotInStoreError, StoreError


class FolderBackend:
    """Objects as files below `root`, which is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self.root)

    def create(self, key: str, content: bytes) -> None:
        """Create a small object. Of several writers exactly one wins.

        Raises:
            AlreadyExistsError: the object is there already.
        """
        target = self._path(key)
        with self._staged(target) as staged:
            _write_durably(staged, content)
            try:
                # Unlike a rename, a hard link never replaces what is there.
                target.hardlink_to(staged)
            except FileExistsError:
                raise AlreadyExistsError(f"{key} is in {self.url} already") from None

    def upload(self, source: Path, key: str) -> None:
        """Copy a file into the folder, replacing an object of that key."""
        target = self._path(key)
        with self._staged(target) as staged:
            shutil.copyfile(source, staged)
            _sync(staged)
            staged.replace(target)

    def read(self, key: str) -> bytes:
        """Content of a small object. Raises NotInStoreError."""
        return self.download(key).read_bytes()

    def download(self, key: str) -> Path:
        """The file that holds the object. Raises NotInStoreError."""
        path = self._path(key)
        if not path.is_file():
            raise NotInStoreError(f"{key} is not in {self.url}")
        return path

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix`, a path that ends in a slash, sorted."""
        folder = self._path(prefix)
        return iter(sorted(path.relative_to(self.root).as_posix() for path in folder.rglob("*") if path.is_file()))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the same disk; it is gone after the block, or at the latest when another is asked for."""
        parent = self.root / "tmp"
        folder = parent / uuid.uuid4().hex
        lock = parent / f"{folder.name}.lock"
        with ExitStack() as held:
            with _told(parent):
                parent.mkdir(parents=True, exist_ok=True)
                _sweep(parent)
                fcntl.flock(held.enter_context(lock.open("w")), fcntl.LOCK_EX)
                folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = self.root / key
        if not path.resolve().is_relative_to(self.root):
            raise StoreError(f"The key {key!r} leads out of the store {self.url}.")
        return path

    @contextmanager
    def _staged(self, target: Path) -> Iterator[Path]:
        """Where to write what will be moved to `target` once it is whole; swept if this process is killed."""
        with self.scratch() as folder, _told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield folder / "staged"
            _sync(target.parent)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turn an error of the operating system into one that says what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written: {error.strerror}. Free space or mend the permissions, then run again; "
            "nothing that was finished is lost."
        ) from error


def _write_durably(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that died: those whose lock nobody holds."""
    for lock in parent.glob("*.lock"):
        try:
            with lock.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
        except OSError:
            continue  # somebody holds it, or it is not ours to touch
