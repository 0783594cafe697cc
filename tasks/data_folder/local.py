"""A data folder of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import DataError
from tasks.store.manifest import FileEntry, describe_file


@dataclass(frozen=True)
class LocalFolder:
    """The files below `root`."""

    root: Path

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.root)

    @property
    def threads(self) -> int:
        """A thread a core: what is done with a file takes longer than reading it."""
        return os.cpu_count() or 1

    def check(self) -> None:
        """Raise DataError if there is no such folder."""
        if not self.root.is_dir():
            raise DataError(f"There is no data folder {self.url}. `foldline sample DIR` draws one to try things with.")

    def entries(self, folder: str) -> set[str]:
        """Names of what lies in a folder below this one; those of folders end in a slash."""
        path = self.root / folder
        if not path.is_dir():
            return set()
        with os.scandir(path) as found:
            return {f"{entry.name}/" if _is_folder(entry) else entry.name for entry in found}

    def describe(self, name: str) -> FileEntry:
        """Digest and size of a file. Raises DataError if it cannot be read."""
        with _told():
            return describe_file(self.root / name)

    def remember(self) -> None:
        """Nothing: reading is cheap, and a file can change without its size and time."""

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """Content of a file. Raises DataError if it cannot be read."""
        del sha256
        with _told():
            return (self.root / name).read_bytes()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Only a link has to be looked at; one that leads nowhere, or in a circle, is no folder.
    return Path(entry).is_dir() if entry.is_symlink() else entry.is_dir()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(str(error.strerror)) from error
