"""The backend that keeps objects in a folder."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError, StoreError
from tasks.store.backend import StoredObject
from tasks.store.manifest import FileEntry, describe_file
from tasks.store.scratch import scratch_folder, told
from tasks.store.verify import is_intact

SHARED = {("steps",), ("checkpoints",)}
"""Folders whose folders many writers share."""
TRIES = 100
"""How often a folder is made that another process removes, as it is empty, before a file is in it."""


class FolderBackend:
    """Objects as files below `root`, which is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self.root)

    def check(self) -> None:
        """See that the folder can be written. Raises StoreError."""
        with self.scratch():
            pass

    def create(self, key: str, content: bytes) -> None:
        """Create a small object. Of several writers exactly one wins.

        Raises:
            AlreadyExistsError: the object is there already.
        """
        target = self._path(key)
        with self._staged(target) as staged:
            staged.write_bytes(content)
            _sync(staged)
            try:
                # Unlike a rename, a hard link never replaces what is there.
                _place(target, partial(target.hardlink_to, staged))
            except FileExistsError:
                raise AlreadyExistsError(f"{key} is in {self.url} already") from None

    def read(self, key: str) -> bytes:
        """Content of a small object. Raises NotInStoreError."""
        try:
            return self._existing(key).read_bytes()
        except FileNotFoundError as error:  # deleted just now, if not before
            raise NotInStoreError(f"{key} is not in {self.url}") from error

    def upload(self, folder: Path, root: str, files: Mapping[str, FileEntry]) -> None:
        """Copy `files` of a folder to the keys ``root/name``. Raises StoreError if a copy is not what `files` says."""
        for name, entry in files.items():
            target = self._path(f"{root}/{name}")
            with self._staged(target) as staged:
                shutil.copyfile(folder / name, staged)
                _sync(staged)
                if describe_file(staged) != entry:
                    raise StoreError(f"{folder / name} changed while it was copied to {target}. Run again.")
                _place(target, partial(staged.replace, target))

    def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
        """The files that hold the objects ``root/name``, by name, verified.

        Raises:
            NotInStoreError: an object is not there.
            CorruptFileError: an object's bytes are not those that `files` says.
        """
        paths = {name: self._existing(f"{root}/{name}") for name in files}
        for name, path in paths.items():
            if not is_intact(path, files[name]):
                raise CorruptFileError(f"{path} is damaged: its bytes are not those that its manifest names.")
        return paths

    def describe(self, key: str) -> FileEntry:
        """Digest and size of an object. Raises NotInStoreError."""
        return describe_file(self._existing(key))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose keys start with `prefix`, a path that ends in a slash, sorted by key."""
        files = (Path(folder, name) for folder, _, names in os.walk(self._path(prefix)) for name in names)
        keys = {path.relative_to(self.root).as_posix(): path for path in files}
        for key in sorted(keys):
            with suppress(FileNotFoundError):  # deleted meanwhile
                status = keys[key].stat()
                yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, and the folders that this empties."""
        for key in keys:
            path = self._path(key)
            with told(path):
                path.unlink(missing_ok=True)
            self._remove_empty(path.parent)

    def link(self, key: str, valid: timedelta) -> str:
        """The file's URL, which is valid for as long as the file is there."""
        del valid
        return self._existing(key).as_uri()

    def drop_unfinished(self, before: datetime) -> int:
        """Nothing: what a killed process left is swept whenever something is written."""
        del before
        return 0

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder on the same disk; it is gone after the block, or at the latest when another is asked for."""
        return scratch_folder(self.root / "tmp")

    def _path(self, key: str) -> Path:
        path = self.root / key
        if not path.resolve().is_relative_to(self.root):
            raise StoreError(f"The key {key!r} leads out of the store {self.url}.")
        return path

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotInStoreError(f"{key} is not in {self.url}")
        return path

    @contextmanager
    def _staged(self, target: Path) -> Iterator[Path]:
        """Where to write what will be moved to `target` once it is whole; swept if this process is killed."""
        with self.scratch() as folder, told(target):
            yield folder / "staged"
            with suppress(FileNotFoundError):  # deleted meanwhile
                _sync(target.parent)

    def _remove_empty(self, folder: Path) -> None:
        """Remove a folder that holds nothing, and those above it, but for those that writers share.

        Somebody might be just about to write there.
        """
        while (parts := folder.relative_to(self.root).parts)[1:] and parts[:-1] not in SHARED:
            try:
                folder.rmdir()
            except OSError:
                return  # something is in it
            folder = folder.parent


def _place(target: Path, move: Callable[[], object]) -> None:
    """Let `move` bring a file to `target`, into a folder that others may remove as long as it is empty."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError, FileExistsError):
            target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            move()
            return
    move()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
