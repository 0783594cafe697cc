"""The data folder that a run reads: a folder of this machine, or a prefix of a bucket."""

from pathlib import Path
from typing import Protocol

from tasks.data_folder.local import LocalFolder
from tasks.store import BUCKET
from tasks.store.manifest import FileEntry

__all__ = ["DataFolder", "absolute", "open_data", "same_place"]


class DataFolder(Protocol):
    """Files by name: a path below the folder, with forward slashes. Small to send to other processes.

    Every method raises StoreError, with what to do, if a bucket does not do what is asked of it.
    """

    @property
    def url(self) -> str:
        """The place, as a person would write it."""

    @property
    def threads(self) -> int:
        """How many files should be read at once."""

    def check(self) -> None:
        """Raise DataError, with what to do, if there is no such folder."""

    def entries(self, folder: str) -> set[str]:
        """Names of what lies in a folder below this one; those of folders end in a slash. Empty if it is no folder."""

    def describe(self, name: str) -> FileEntry:
        """Digest and size of a file. Raises DataError, which says just why, if it cannot be read."""

    def remember(self) -> None:
        """Keep what `describe` has found out for the next run, where that saves reading the files again."""

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """Content of a file. Raises DataError, which says just why, if it cannot be read.

        Args:
            name: the file.
            sha256: digest that its bytes had once, hex; if they are in the cache, these may be given.
        """


def same_place(first: str, second: str) -> bool:
    """Whether two paths or URLs name one data folder, as seen from here."""
    return absolute(first) == absolute(second)


def absolute(data: str) -> str:
    """The path or URL of a data folder as it is from anywhere on this machine."""
    return data.rstrip("/") if data.startswith(BUCKET) else str(Path(data).expanduser().resolve())


def open_data(data: str) -> DataFolder:
    """The data folder at a path, or at ``s3://bucket/prefix``; whether it is there is not looked at yet.

    Raises:
        ConfigError: the URL, or what the environment says about S3, is wrong.
    """
    if not data.startswith(BUCKET):
        return LocalFolder(Path(data))
    from tasks.data_folder.bucket import BucketFolder
    from tasks.store.s3.settings import S3Settings, split_url

    return BucketFolder(*split_url(data), S3Settings.from_environment())
