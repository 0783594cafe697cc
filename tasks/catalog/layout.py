"""The layout of a data folder, and everything that can be wrong with it.

    train/train.csv                     id,gender,race,age,path; one row a person
    train/images/{path}/                mask1 ... mask5, incorrect_mask, normal (.jpg, .jpeg or .png)
    eval/info.csv                       ImageID,ans; one row a photo
    eval/images/{ImageID}

Ids are text and not unique; the key of a person is the folder. Files that start with ``._`` are debris of macOS
archives and are not looked at; neither is `.DS_Store`.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.classes import STATE_OF_FILE
from tasks.data_folder import DataFolder
from tasks.errors import DataError, Fault, fault
from tasks.photos import EXTENSIONS
from tasks.tables import NUMBERED_ID

TRAIN_CSV, TRAIN_IMAGES = "train/train.csv", "train/images"
EVAL_CSV, EVAL_IMAGES = "eval/info.csv", "eval/images"
PERSON_COLUMNS = ("id", "gender", "race", "age", "path")
EVAL_COLUMNS = ("ImageID", "ans")

Row = dict[str, str]


@dataclass(frozen=True)
class PersonRow:
    """A row of train.csv."""

    person: str
    id: str
    race: str
    gender: str
    age: int

    @property
    def group(self) -> str:
        """The id without the suffix of a NUMBERED_ID."""
        return re.sub(NUMBERED_ID, r"\1", self.id)


@dataclass(frozen=True)
class ListedPhoto:
    """A photo of the layout, unread; `person` and `state` are None in eval."""

    photo: str
    person: PersonRow | None = None
    state: str | None = None


@dataclass(frozen=True)
class Layout:
    """What a data folder lists: training photos by person, then evaluation photos in the order of info.csv."""

    photos: tuple[ListedPhoto, ...]
    faults: tuple[Fault, ...]


def read_layout(data: DataFolder) -> Layout:
    """List the photos of a data folder, and every fault of its files; no photo is opened."""
    train, train_faults = _read_train(data)
    evaluation, eval_faults = _read_eval(data)
    return Layout((*train, *evaluation), (*train_faults, *eval_faults))


def _read_train(data: DataFolder) -> tuple[list[ListedPhoto], tuple[Fault, ...]]:
    rows, faults = _read_csv(data, TRAIN_CSV, PERSON_COLUMNS, "person")
    if faults:
        return [], faults
    persons, row_faults = _read_persons(rows)
    folders = {entry.removesuffix("/") for entry in data.entries(TRAIN_IMAGES) if entry.endswith("/")}
    listed = {person.person for person in persons}
    photos, file_faults = _read_folders(data, [person for person in persons if person.person in folders])
    return photos, (
        *row_faults,
        *fault(
            f"persons of {TRAIN_CSV} have no folder below {TRAIN_IMAGES}",
            [person.person for person in persons if person.person not in folders],
            "Add the folder, or delete the row.",
        ),
        *fault(
            f"folders below {TRAIN_IMAGES} have no row in {TRAIN_CSV}",
            sorted(folders - listed),
            "Add a row, or delete the folder.",
        ),
        *file_faults,
    )


def _read_persons(rows: list[Row]) -> tuple[list[PersonRow], tuple[Fault, ...]]:
    outside = [row["path"] for row in rows if row["path"] in ("", ".", "..") or re.search(r"[/\\]", row["path"])]
    ageless = [f"{row['age']!r} of {row['path']}" for row in rows if not re.fullmatch(r"\d{1,3}", row["age"])]
    persons = [
        PersonRow(
            person=row["path"],
            id=row["id"],
            race=row["race"],
            gender=row["gender"],
            age=int(row["age"]),
        )
        for row in rows
        if row["path"] not in outside and re.fullmatch(r"\d{1,3}", row["age"])
    ]
    return persons, (
        *fault(
            f"rows of {TRAIN_CSV} have a path that is no folder name",
            [repr(path) for path in outside],
            f"Name a folder below {TRAIN_IMAGES}.",
        ),
        *fault(f"ages in {TRAIN_CSV} are not whole years", ageless, "Write the age as a whole number."),
        *fault(f"paths stand in {TRAIN_CSV} more than once", _repeated(row["path"] for row in rows), "Keep one row."),
    )


def _read_folders(data: DataFolder, persons: list[PersonRow]) -> tuple[list[ListedPhoto], tuple[Fault, ...]]:
    photos: list[ListedPhoto] = []
    endings: list[str] = []
    names: list[str] = []
    for person in persons:
        folder = f"{TRAIN_IMAGES}/{person.person}"
        for name in _names(data, folder):
            photo, path = f"{folder}/{name}", PurePosixPath(name)
            if path.suffix.lower() not in EXTENSIONS:
                endings.append(photo)
            elif path.stem not in STATE_OF_FILE:
                names.append(photo)
            else:
                photos.append(ListedPhoto(photo, person, STATE_OF_FILE[path.stem]))
    return photos, (
        *_wrong_endings(endings),
        *fault(
            "photos of a person are there more than once, with other endings",
            _repeated(PurePosixPath(photo.photo).with_suffix("").as_posix() for photo in photos),
            "Keep one of them.",
        ),
        *fault(
            "training photos have a name that says no mask state",
            names,
            f"Name them {', '.join(STATE_OF_FILE)}, or delete them.",
        ),
        *fault(
            "persons have a folder without a photo",
            sorted({person.person for person in persons} - {photo.person.person for photo in photos if photo.person}),
            "Add the photos, or delete the folder and its row.",
        ),
    )


def _read_eval(data: DataFolder) -> tuple[list[ListedPhoto], tuple[Fault, ...]]:
    rows, faults = _read_csv(data, EVAL_CSV, EVAL_COLUMNS, "photo")
    if faults:
        return [], faults
    files = set(_names(data, EVAL_IMAGES))
    names = [row["ImageID"] for row in rows]
    photos = [ListedPhoto(f"{EVAL_IMAGES}/{name}") for name in names if name in files]
    return photos, (
        *_wrong_endings([name for name in names if PurePosixPath(name).suffix.lower() not in EXTENSIONS]),
        *fault(
            f"photos of {EVAL_CSV} are not in {EVAL_IMAGES}",
            [name for name in names if name not in files],
            "Add the file: every row needs an answer.",
        ),
        *fault(
            f"files in {EVAL_IMAGES} have no row in {EVAL_CSV}",
            sorted(files.difference(names)),
            "Add a row, or delete the file.",
        ),
        *fault(f"photos stand in {EVAL_CSV} more than once", _repeated(names), "Keep one row."),
    )


def _read_csv(data: DataFolder, name: str, columns: tuple[str, ...], row: str) -> tuple[list[Row], tuple[Fault, ...]]:
    """Rows of a CSV file, cells stripped, and what is wrong with the file as a whole."""
    folder, _, file = name.rpartition("/")
    if file not in data.entries(folder):
        return [], fault("files are missing", [name], f"A data folder has {TRAIN_CSV} and {EVAL_CSV}.")
    try:
        text = io.TextIOWrapper(io.BytesIO(data.read(name)), encoding="utf-8-sig", newline="")
        reader = csv.DictReader(text, restval="")
        header = reader.fieldnames or ()
        rows = [{key: cell.strip() for key, cell in line.items() if key in columns} for line in reader]
    except (DataError, UnicodeDecodeError, csv.Error) as error:
        return [], fault("files cannot be read", [f"{name} ({error})"], "Save it as CSV in UTF-8.")
    missing = [column for column in columns if column not in header]
    if missing:
        return [], fault(f"columns of {name} are missing", missing, f"Its header must be {','.join(columns)}.")
    if not rows:
        return [], fault("files have no row", [name], f"Add one row a {row}.")
    return rows, ()


def _wrong_endings(files: list[str]) -> tuple[Fault, ...]:
    return fault(
        "files are no photos by their name", files, f"Convert them to {', '.join(EXTENSIONS)}, or delete them."
    )


def _names(data: DataFolder, folder: str) -> list[str]:
    """Names of what lies in a folder, debris left out, sorted."""
    names = {entry.removesuffix("/") for entry in data.entries(folder)}
    return sorted(name for name in names if not name.startswith("._") and name != ".DS_Store")


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
