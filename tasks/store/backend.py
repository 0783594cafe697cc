"""What the ledger asks of a place that keeps bytes: a folder now, a bucket next."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Backend(Protocol):
    """A place that keeps objects by key. Keys are relative paths with forward slashes.

    An object appears whole or not at all.
    """

    @property
    def url(self) -> str:
        """The place, as a person would write it."""

    def create(self, key: str, content: bytes) -> None:
        """Create a small object. Of several writers exactly one wins.

        Raises:
            AlreadyExistsError: the object is there already.
        """

    def upload(self, source: Path, key: str) -> None:
        """Copy a file into the place, replacing an object of that key."""

    def read(self, key: str) -> bytes:
        """Content of a small object. Raises NotInStoreError."""

    def download(self, key: str) -> Path:
        """A local file with the object's bytes, not to be changed. Raises NotInStoreError."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix`, a path that ends in a slash, sorted."""

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder to prepare files in; it is gone after the block."""
