"""What the bytes of a bucket's objects are, remembered from when they were last read."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import StringConstraints, TypeAdapter, ValidationError

from tasks.store.cache import REMEDY, Cache
from tasks.store.manifest import FileEntry
from tasks.store.scratch import told

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Stamp(NamedTuple):
    """What a listing says of an object: as long as that stays the same, so do the bytes."""

    etag: str
    size: int
    """Bytes."""
    modified: str
    """When it was written, ISO 8601."""


class _Record(NamedTuple):
    stamp: Stamp
    sha256: Sha256


_RECORDS = TypeAdapter(dict[str, _Record])


class Digests:
    """Digests of the objects of a listing by name, kept in a file of the cache from run to run."""

    def __init__(self, cache: Cache, name: str, stamps: Mapping[str, Stamp]) -> None:
        self._cache = cache
        self._file = cache.folder / "digests" / f"{name}.json"
        self._stamps = stamps
        self._records = {name: record for name, record in _read(self._file).items() if record.stamp == stamps.get(name)}
        self._saved = len(self._records)

    def find(self, name: str) -> FileEntry | None:
        """Digest and size of an object that is still as it was; None if nobody knows."""
        record = self._records.get(name)
        return FileEntry(sha256=record.sha256, size=record.stamp.size) if record else None

    def add(self, name: str, sha256: str) -> None:
        """Note the digest of an object, if it is in the listing."""
        if name in self._stamps:
            self._records[name] = _Record(self._stamps[name], sha256)

    def save(self) -> None:
        """Write what is known to the file, if anything is new. Raises StoreError if the cache cannot be written."""
        if len(self._records) == self._saved:
            return
        with self._cache.scratch() as folder, told(self._file, REMEDY):
            staged = folder / "digests"
            staged.write_bytes(_RECORDS.dump_json(self._records))
            self._file.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(self._file)
        self._saved = len(self._records)


def _read(file: Path) -> dict[str, _Record]:
    """What the file holds; nothing if it is not there, or damaged."""
    with suppress(OSError, ValidationError):
        return _RECORDS.validate_json(file.read_bytes())
    return {}
