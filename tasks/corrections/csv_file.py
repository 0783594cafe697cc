"""Reading a corrections file, and everything that can be wrong with it.

    path,attribute,old,new,why,who,date
    000123_male_Asian_23,gender,male,female,seen on all seven photos,Ana,2026-11-26
    000020/normal,state,normal,incorrect,the mask is below the chin,Ana,2026-11-26

Whether the data has such persons and photos, and says the old value of them, is for the catalog to tell.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import PurePosixPath

import pandas as pd

from tasks.classes import GENDERS, STATES
from tasks.errors import Fault, fault, raise_faults
from tasks.photos import EXTENSIONS
from tasks.tables import CORRECTIONS

IMAGES = "train/images/"
"""What may stand before a path: where it lies below the data folder."""
VALUES = {"gender": GENDERS, "state": STATES}
"""Attributes with a few values that are allowed; an age is any whole number of years."""
OF_PERSONS = ("gender", "age")
ATTRIBUTES = (*OF_PERSONS, "state")
ALWAYS = ("path", "why", "who")
"""Columns in which a cell is never empty."""
HEADER = f"Its header must be {','.join(CORRECTIONS.column_names)}."

Row = dict[str, str]
"""A correction, by column; `line` is where it stands in the file."""


def read_corrections(content: bytes, source: str) -> pd.DataFrame:
    """The corrections table of a file's content: paths as short as can be, ages without leading zeros.

    Raises:
        DataError: something is wrong with it; the message, which calls it `source`, lists everything that is.
    """
    where = f"The corrections {source} cannot be used"
    rows, faults = _read_rows(content)
    raise_faults(faults, where)
    raise_faults(
        (*_faults_of_cells(rows), *_faults_of_values(rows), *_faults_of_paths(rows), *_faults_of_pairs(rows)), where
    )
    return CORRECTIONS.conform(pd.DataFrame(rows, columns=CORRECTIONS.column_names))


def _read_rows(content: bytes) -> tuple[list[Row], tuple[Fault, ...]]:
    """Every row, cells stripped and in their shortest form, and what is wrong with the file as a whole."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), restval="")
        header = reader.fieldnames or ()
        lines = [(reader.line_num, cells) for cells in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        return [], fault("files cannot be read", [str(error)], "Save it as CSV in UTF-8.")
    missing = [column for column in CORRECTIONS.column_names if column not in header]
    if missing:
        return [], fault("columns are missing", missing, HEADER)
    long = [f"line {line}" for line, cells in lines if None in cells]
    return [_row(line, cells) for line, cells in lines], fault(
        "rows have more cells than the header", long, "Put a cell that has a comma in it between quotes."
    )


def _row(line: int, cells: Row) -> Row:
    row = {column: cells[column].strip() for column in CORRECTIONS.column_names}
    values = {column: _years(row[column]) for column in ("old", "new")} if row["attribute"] == "age" else {}
    return {**row, **values, "path": _plain(row["path"]), "line": str(line)}


def _years(age: str) -> str:
    return str(int(age)) if _is_age(age) else age


def _is_age(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,3}", text) is not None


def _plain(path: str) -> str:
    """A path without the folder of all persons before it, and without the ending of a photo."""
    below = path.removeprefix(IMAGES).strip("/")
    ending = PurePosixPath(below).suffix
    return below.removesuffix(ending) if "/" in below and ending.lower() in EXTENSIONS else below


def _faults_of_cells(rows: Sequence[Row]) -> tuple[Fault, ...]:
    empty = [_told(column, row) for row in rows for column in ALWAYS if not row[column]]
    undated = [_told(repr(row["date"]), row) for row in rows if not _is_date(row["date"])]
    return (
        *fault("cells are empty", empty, "Say which label it is, why it is wrong, and who says so."),
        *fault("dates cannot be read", undated, "Write them as 2026-11-26."),
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _faults_of_values(rows: Sequence[Row]) -> tuple[Fault, ...]:
    unknown = [_told(repr(row["attribute"]), row) for row in rows if row["attribute"] not in ATTRIBUTES]
    ages = [(row[column], row) for row in rows if row["attribute"] == "age" for column in ("old", "new")]
    same = [_told(_label(row), row) for row in rows if row["old"] == row["new"]]
    return (
        *fault("attributes cannot be corrected", unknown, f"Write one of {', '.join(ATTRIBUTES)}."),
        *(wrong for attribute in VALUES for wrong in _faults_of_words(attribute, rows)),
        *fault(
            "ages are not whole years",
            [_told(repr(age), row) for age, row in ages if not _is_age(age)],
            "Write the age as a whole number.",
        ),
        *fault("corrections change nothing", same, "Write what the data says as old, and what is right as new."),
    )


def _faults_of_words(attribute: str, rows: Sequence[Row]) -> tuple[Fault, ...]:
    """New values that are none of the attribute's; old ones may be anything, as in the data."""
    allowed = VALUES[attribute]
    wrong = [row for row in rows if row["attribute"] == attribute and row["new"] not in allowed]
    told = [_told(repr(row["new"]), row) for row in wrong]
    return fault(f"new values are no {attribute}", told, f"Write one of {', '.join(allowed)}.")


def _faults_of_paths(rows: Sequence[Row]) -> tuple[Fault, ...]:
    photos = [row for row in rows if row["attribute"] == "state" and row["path"].count("/") != 1]
    persons = [row for row in rows if row["attribute"] in OF_PERSONS and "/" in row["path"]]
    return (
        *fault(
            "corrections of a state name no photo",
            [_told(_label(row), row) for row in photos],
            "Write person and photo, such as 000020/normal.",
        ),
        *fault(
            "corrections of a person name more than a person",
            [_told(_label(row), row) for row in persons],
            "Write the folder or the id alone: all photos of a person have one gender and one age.",
        ),
    )


def _faults_of_pairs(rows: Sequence[Row]) -> tuple[Fault, ...]:
    counts = Counter(map(_label, rows))
    again = [label for label, count in counts.items() if count > 1]
    return fault("labels are corrected more than once", again, "Keep one row of each.")


def _label(row: Row) -> str:
    return f"the {row['attribute']} of {row['path']}"


def _told(what: str, row: Row) -> str:
    return f"{what} in line {row['line']}"
