"""What has changed in the data between two catalogs, photo by photo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tasks.catalog.layout import ListedPhoto, read_layout
from tasks.catalog.measure import digest_photos
from tasks.data_folder import DataFolder
from tasks.errors import CorruptFileError, OutdatedTableError
from tasks.store import Artifact, Manifest
from tasks.store.explain import Difference, InputChange
from tasks.store.manifest import FileEntry
from tasks.tables import CATALOG

LABELS = ["given_state", "person", "group", "race", "given_gender", "given_age"]
"""Columns of the catalog that hold what the data folder says of a photo; the others follow from them and the bytes."""


class Photo(NamedTuple):
    """All of a photo that a catalog depends on."""

    sha256: str
    labels: tuple[str | int | None, ...]
    """Values of LABELS; None where there is none."""


@dataclass(frozen=True)
class DataChange:
    """Photos that are not as they were. All are empty if only the order of the photos is another."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    other_bytes: tuple[str, ...]
    other_labels: tuple[str, ...]


Cause = Difference | DataChange
"""Why an artifact is not an earlier one."""


def is_data(change: Difference, old: Manifest) -> bool:
    """Whether a change is that of the data folder that a catalog, `old`, was made from."""
    return isinstance(change, InputChange) and (old.step, change.name) == ("catalog", "data")


def data_change(old: Mapping[str, Photo], new: Mapping[str, Photo]) -> DataChange:
    """What differs between the photos of two catalogs, by their paths."""
    both = [photo for photo in new if photo in old]
    return DataChange(
        new=tuple(photo for photo in new if photo not in old),
        gone=tuple(photo for photo in old if photo not in new),
        other_bytes=tuple(photo for photo in both if old[photo].sha256 != new[photo].sha256),
        other_labels=tuple(photo for photo in both if old[photo].labels != new[photo].labels),
    )


def photos_of_catalog(catalog: Artifact) -> dict[str, Photo]:
    """The photos of a catalog by their paths. Raises CorruptFileError if its table is lost, damaged or outdated."""
    try:
        table = CATALOG.read(catalog.path("catalog.parquet"))
    except OutdatedTableError as error:
        raise CorruptFileError(f"Other code has made {catalog.ref}: {error}") from error
    labels = table[LABELS].astype("object").where(table[LABELS].notna(), None)
    rows = zip(table["photo"], table["sha256"], labels.itertuples(index=False, name=None), strict=True)
    return {photo: Photo(sha256, row) for photo, sha256, row in rows}


def photos_of_folder(data: DataFolder) -> dict[str, Photo]:
    """The photos that a data folder lists, as its catalog would have them; those that cannot be read are left out."""
    listed = read_layout(data).photos
    files = digest_photos(data, [photo.photo for photo in listed])
    return {
        photo.photo: Photo(file.sha256, _labels(photo))
        for photo, file in zip(listed, files, strict=True)
        if isinstance(file, FileEntry)
    }


def _labels(listed: ListedPhoto) -> tuple[str | int | None, ...]:
    person = listed.person
    if person is None:
        return (None,) * len(LABELS)
    return (
        listed.state,
        person.person,
        person.group or None,
        person.race or None,
        person.gender or None,
        person.age,
    )
