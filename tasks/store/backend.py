"""What the ledger asks of a place that keeps bytes: a folder or a bucket."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from tasks.store.manifest import FileEntry


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing tells it."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When it was written, UTC."""


class Backend(Protocol):
    """A place that keeps objects by key. Keys are relative paths with forward slashes.

    An object appears whole or not at all, and what was written is seen by whoever asks next. Every method raises
    StoreError, with what to do, if the place does not do what is asked of it.
    """

    @property
    def url(self) -> str:
        """The place, as a person would write it."""

    def check(self) -> None:
        """See that the place can be written, before anything is spent on what should go there. Raises StoreError."""

    def create(self, key: str, content: bytes) -> None:
        """Create a small object. Of several writers exactly one wins.

        Raises:
            AlreadyExistsError: the object is there already.
        """

    def read(self, key: str) -> bytes:
        """Content of a small object. Raises NotInStoreError."""

    def upload(self, folder: Path, root: str, files: Mapping[str, FileEntry]) -> None:
        """Copy `files` of a folder to the keys ``root/name``; returns when all are there, whole.

        What an interrupted upload of the same files left is used.

        Raises:
            StoreError: what has arrived is not what `files` says.
        """

    def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
        """Local files with the bytes of the keys ``root/name``, by name, verified; not to be changed.

        They stay as they are until this process ends.

        Raises:
            NotInStoreError: an object is not there.
            CorruptFileError: an object's bytes are not those that `files` says.
        """

    def describe(self, key: str) -> FileEntry:
        """Digest and size of an object, read from the place itself. Raises NotInStoreError."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose keys start with `prefix`, a path that ends in a slash, sorted by key."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is not there is no error."""

    def link(self, key: str, valid: timedelta) -> str:
        """A URL that shows the object to whoever has it, for so long (a file's: to whoever can read the file)."""

    def drop_unfinished(self, before: datetime) -> int:
        """Remove what uploads left that began before then and never ended; returns how many there were."""

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder to prepare files in; it is gone after the block."""
