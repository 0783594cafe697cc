"""The step: from a data folder to its catalog."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.catalog.correct import correct
from tasks.catalog.eda import describe
from tasks.catalog.layout import Layout, ListedPhoto, read_layout
from tasks.catalog.measure import PhotoFacts, Unreadable, digest_photos, measure_photos
from tasks.classes import age_group, encode_class
from tasks.data_folder import DataFolder
from tasks.errors import Fault, fault, raise_faults
from tasks.store import Artifact, Ledger, Step, digest_json
from tasks.store.manifest import FileEntry
from tasks.store.memory import Memory
from tasks.tables import CATALOG, CORRECTIONS, FACTS

STEP = Step(name="catalog", package="tasks.catalog", libraries=("imagehash", "opencv-python-headless", "pillow"))

REMEMBERED_AT_ONCE = 512
"""Photos that are measured before what they are is kept: a second's work."""

LABEL_COLUMNS = (
    "person",
    "group",
    "race",
    "state",
    "gender",
    "age",
    "age_group",
    "class",
)
"""Columns that only training photos have, besides what they were given."""


def make_catalog(ledger: Ledger, data: DataFolder, corrections: Artifact | None = None) -> Artifact:
    """The catalog of a data folder: catalog.parquet and eda.json.

    Its key is a digest of every listed file's name and bytes, so a changed photo or label makes a new catalog, and
    the same data elsewhere makes the same.

    Args:
        ledger: where it goes.
        data: where the photos lie; nothing is changed there.
        corrections: what is wrong in the labels of the folder, if anything is known to be.

    Raises:
        DataError: something is wrong with the folder, or the corrections do not fit it; the message lists everything
            that is.
    """
    data.check()
    layout = read_layout(data)
    photos = [listed.photo for listed in layout.photos]
    found = digest_photos(data, photos)
    _refuse(data, found, layout.faults)
    files = [file for file in found if isinstance(file, FileEntry)]

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        corrected = _corrected(layout.photos, corrections)
        digests = {photo: file.sha256 for photo, file in zip(photos, files, strict=True)}
        rows = zip(layout.photos, corrected, files, _facts(ledger, data, digests), strict=True)
        catalog = CATALOG.conform(pd.DataFrame([_row(*row) for row in rows]))
        CATALOG.write(catalog, folder / "catalog.parquet")
        figures = describe(catalog)
        (folder / "eda.json").write_text(json.dumps(figures, indent=2))
        return {"photos": figures["photos"], "persons": figures["persons"]}

    corrected_by = {"corrections": corrections} if corrections else {}
    return ledger.produce(STEP, {"data": _data_digest(layout, files), **corrected_by}, None, compute)


def _corrected(photos: tuple[ListedPhoto, ...], corrections: Artifact | None) -> tuple[ListedPhoto, ...]:
    return correct(photos, CORRECTIONS.read(corrections.path("corrections.parquet"))) if corrections else photos


def _facts(ledger: Ledger, data: DataFolder, digests: Mapping[str, str]) -> list[PhotoFacts]:
    """What every photo is, in order; only those are looked at that never were."""
    memory = Memory(ledger.backend, STEP, FACTS, None)
    known = _as_facts(memory.recall())
    new = {photo: digest for photo, digest in digests.items() if digest not in known}
    measured, unreadable = zip(new.values(), measure_photos(data, new), strict=True), list[Unreadable]()
    while batch := list(islice(measured, REMEMBERED_AT_ONCE)):
        unreadable += [fact for _, fact in batch if isinstance(fact, Unreadable)]
        found = {digest: fact for digest, fact in batch if isinstance(fact, PhotoFacts)}
        memory.remember(pd.DataFrame(found.values(), columns=PhotoFacts._fields).assign(sha256=list(found)))
        known |= found
    _refuse(data, unreadable)
    return [known[digest] for digest in digests.values()]


def _as_facts(table: pd.DataFrame) -> dict[str, PhotoFacts]:
    """Facts by digest."""
    facts = table[list(PhotoFacts._fields)].astype("object")
    rows = facts.where(facts.notna(), None).itertuples(index=False, name=None)
    return {digest: PhotoFacts(*row) for digest, row in zip(table["sha256"], rows, strict=True)}


def _data_digest(layout: Layout, files: Sequence[FileEntry]) -> str:
    """Digest of all that the catalog is made from: the listed photos, their labels and their bytes."""
    rows = [
        [listed.photo, listed.state, *_labels(listed), file.sha256]
        for listed, file in zip(layout.photos, files, strict=True)
    ]
    return digest_json(rows)


def _labels(listed: ListedPhoto) -> tuple[str, str, str, str, int] | tuple[()]:
    person = listed.person
    return (person.person, person.id, person.race, person.gender, person.age) if person else ()


def _refuse(data: DataFolder, found: Sequence[object], faults: tuple[Fault, ...] = ()) -> None:
    """Raise DataError if there are faults, or anything Unreadable in what was found."""
    reasons = {bad.photo: bad.reason for bad in found if isinstance(bad, Unreadable)}
    unread = fault(
        "photos cannot be read",
        [f"{photo} ({reason})" for photo, reason in reasons.items()],
        "Replace them, or delete them with their rows.",
    )
    raise_faults((*faults, *unread), f"The data folder {data.url} cannot be used")


def _row(given: ListedPhoto, corrected: ListedPhoto, file: FileEntry, facts: PhotoFacts) -> dict[str, object]:
    return {
        "photo": given.photo,
        **_label_columns(corrected),
        **_given_columns(given),
        "sha256": file.sha256,
        "bytes": file.size,
        **facts._asdict(),
    }


def _label_columns(listed: ListedPhoto) -> dict[str, object]:
    person = listed.person
    if person is None or listed.state is None:
        return {"split": "eval", **dict.fromkeys(LABEL_COLUMNS)}
    group = age_group(person.age)
    return {
        "split": "train",
        "person": person.person,
        "group": person.group or None,
        "race": person.race or None,
        "state": listed.state,
        "gender": person.gender or None,
        "age": person.age,
        "age_group": group,
        "class": _class_of(listed.state, person.gender, group),
    }


def _given_columns(listed: ListedPhoto) -> dict[str, object]:
    person = listed.person
    return {
        "given_state": listed.state,
        "given_gender": (person.gender or None) if person else None,
        "given_age": person.age if person else None,
    }


def _class_of(state: str, gender: str, group: str) -> int | None:
    """The class, or None where the gender is no word of ours: the `labels` suite says so and stops the flow."""
    try:
        return encode_class(state, gender, group)
    except ValueError:
        return None
