"""Corrections of labels, applied to the photos that a data folder lists; what no row is about stays as it is.

A row names a person by folder or id, and a photo by person and file name without ending.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd

from tasks.catalog.layout import ListedPhoto
from tasks.errors import Fault, fault, raise_faults


class Correction(NamedTuple):
    """A row of the corrections table; what its columns mean is told there."""

    path: str
    attribute: str
    old: str
    new: str


class Label(NamedTuple):
    """What is labelled: an attribute of a person, by folder, or of a photo, by folder and name, a slash between."""

    attribute: str
    owner: str

    def __str__(self) -> str:
        return f"the {self.attribute} of {self.owner}"


Meant = Sequence[tuple[Correction, Sequence[Label]]]
"""Corrections with the labels that each may be about: just one, if it is right."""


def correct(photos: Sequence[ListedPhoto], corrections: pd.DataFrame) -> tuple[ListedPhoto, ...]:
    """The photos, in order, with the labels that are right.

    Raises:
        DataError: a correction is about no label, about several, or about one that is not what it expects; the message
            lists everything that is wrong.
    """
    rows = corrections[list(Correction._fields)].itertuples(index=False, name=None)
    given = {label: value for photo in photos for label, value in _labels(photo)}
    folders = _folders_by_name(photos)
    meant = [(row, _meant(row, folders, given)) for row in map(Correction._make, rows)]
    raise_faults(_faults(meant, given), "The corrections do not fit the data")
    right = {label: row.new for row, (label,) in meant}
    return tuple(_corrected(photo, right) for photo in photos)


def _corrected(photo: ListedPhoto, right: Mapping[Label, str]) -> ListedPhoto:
    if photo.person is None:
        return photo
    state, gender, age = (right.get(label, value) for label, value in _labels(photo))
    return replace(photo, state=state, person=replace(photo.person, gender=gender, age=int(age)))


def _labels(photo: ListedPhoto) -> tuple[tuple[Label, str], ...]:
    """State, gender and age of a photo, each with its value; none in eval."""
    person, state = photo.person, photo.state
    if person is None or state is None:
        return ()
    return (
        (Label("state", f"{person.person}/{PurePosixPath(photo.photo).stem}"), state),
        (Label("gender", person.person), person.gender),
        (Label("age", person.person), str(person.age)),
    )


def _folders_by_name(photos: Sequence[ListedPhoto]) -> dict[str, list[str]]:
    """Folders of the persons that a name may mean: the one of that folder, or else all of that id."""
    persons = {photo.person.person: photo.person for photo in photos if photo.person}
    by_id: defaultdict[str, list[str]] = defaultdict(list)
    for person in persons.values():
        by_id[person.id].append(person.person)
    return {**by_id, **{folder: [folder] for folder in persons}}


def _meant(row: Correction, folders: Mapping[str, Sequence[str]], known: Collection[Label]) -> list[Label]:
    name, slash, photo = row.path.partition("/")
    labels = [Label(row.attribute, f"{folder}{slash}{photo}") for folder in folders.get(name, ())]
    return [label for label in labels if label in known]


def _faults(meant: Meant, given: Mapping[Label, str]) -> tuple[Fault, ...]:
    counts = Counter(label for _, labels in meant for label in labels)
    return (
        *fault(
            "persons or photos are not in the data",
            [row.path for row, labels in meant if not labels],
            "Name a person by folder or id, as in train.csv, and a photo as in 000020/normal; or delete the row.",
        ),
        *fault(
            "ids belong to several persons",
            [f"{row.path} ({', '.join(label.owner for label in labels)})" for row, labels in meant if len(labels) > 1],
            "Name the folder of the one that is meant.",
        ),
        *fault(
            "labels are not what the corrections expect",
            [
                f"{labels[0]}, which is {given[labels[0]]!r} and not {row.old!r}"
                for row, labels in meant
                if len(labels) == 1 and given[labels[0]] != row.old
            ],
            "Where the data has been corrected itself, delete the row; else mend its old value.",
        ),
        *fault(
            "labels are corrected more than once",
            [str(label) for label, count in counts.items() if count > 1],
            "Keep one row of each.",
        ),
    )
