"""Every table that passes between steps: its columns, their types, units and meaning. The only place that says so.

Tables are Parquet files. `Table.write` and `Table.read` both check, so a table that exists has these columns.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tasks.classes import CLASS_COUNT
from tasks.errors import DataError, OutdatedTableError


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the word used for it everywhere.
        dtype: its pandas type; a capital letter (``Int8``) means that values may be missing.
        meaning: what it says, with its unit.
    """

    name: str
    dtype: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A kind of table.

    Attributes:
        name: singular name of the table.
        row: what one row is.
        columns: its columns, in order.
    """

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` with this table's columns, in order and of the right type.

        Raises:
            OutdatedTableError: a column is missing.
            DataError: a column has values that its type cannot hold.
        """
        missing = [name for name in self.column_names if name not in frame]
        if missing:
            raise OutdatedTableError(
                f"{len(missing)} columns of the {self.name} table are missing, such as {missing[0]!r}; "
                f"it has {list(frame.columns)}. Make the table again with the step that owns it."
            )
        wrong = {column.name: column.dtype for column in self.columns if frame[column.name].dtype != column.dtype}
        try:
            return frame[self.column_names].astype(wrong).reset_index(drop=True)
        except (TypeError, ValueError) as error:
            raise DataError(f"The {self.name} table has a value of the wrong type: {error}") from error

    def write(self, frame: pd.DataFrame, path: Path) -> None:
        """Write `frame` as Parquet. Raises DataError as `conform` does."""
        self.conform(frame).to_parquet(path, index=False)

    def read(self, path: Path) -> pd.DataFrame:
        """Read a table that `write` wrote. Raises DataError as `conform` does."""
        return self.conform(pd.read_parquet(path))


PHOTO = Column("photo", "str", "path of the photo below the data folder, with forward slashes: the key of a photo")

NUMBERED_ID = r"^(\d+)-\d$"
"""An id that repeats a number with a suffix, such as ``001498-1``. Other hyphens (``site2-007``) are part of an id."""

FACT_COLUMNS = (
    Column("problem", "str", "why the photo cannot be decoded; missing if it can"),
    Column("width", "int32", "pixels, after EXIF orientation; 0 if it cannot be decoded, as all that follows"),
    Column("height", "int32", "pixels, after EXIF orientation"),
    *(
        Column(f"mean_{c}", "float64", f"mean of the {n} channel, 0..1")
        for c, n in zip("rgb", ("red", "green", "blue"), strict=True)
    ),
    *(
        Column(f"square_{c}", "float64", f"mean of the squared {n} channel, 0..1")
        for c, n in zip("rgb", ("red", "green", "blue"), strict=True)
    ),
    Column("sharpness", "float64", "variance of the Laplacian of the grey photo, levels 0..255 squared"),
    Column("phash", "str", "perceptual hash of 256 bits, hex: like photos differ in few; missing as above"),
)
"""What the bytes of a photo alone decide."""

CATALOG = Table(
    "catalog",
    "a photo, training photos by person, then evaluation photos in the order of info.csv",
    (
        PHOTO,
        Column("split", "str", "`train` or `eval`"),
        Column("person", "str", "folder name, the key of a person; missing in eval"),
        Column("group", "str", "id without the suffix of a NUMBERED_ID: what must stay in one fold; missing in eval"),
        Column("race", "str", "as train.csv says; missing in eval"),
        Column("state", "str", "`mask`, `incorrect` or `normal`; missing in eval"),
        Column("gender", "str", "`male` or `female`; missing in eval"),
        Column("age", "Int16", "years; missing in eval"),
        Column("age_group", "str", "`<30`, `30-59` or `>=60`; missing in eval"),
        Column("class", "Int8", "class 0..17; missing in eval"),
        Column("given_state", "str", "as the file's name says, before corrections; missing in eval"),
        Column("given_gender", "str", "as train.csv says, before corrections; missing in eval"),
        Column("given_age", "Int16", "years, as train.csv says, before corrections; missing in eval"),
        Column("sha256", "str", "digest of the file's bytes, hex"),
        Column("bytes", "int64", "size of the file, bytes"),
        *FACT_COLUMNS,
    ),
)

FACTS = Table(
    "facts",
    "a photo that was measured, wherever it lies",
    (Column("sha256", "str", "digest of the file's bytes, hex"), *FACT_COLUMNS),
)

CORRECTIONS = Table(
    "corrections",
    "a label that is corrected, in the order of corrections.csv",
    (
        Column("path", "str", "a person, by folder name or id; with the state, a photo of one: `{person}/{name}`"),
        Column("attribute", "str", "`gender` or `age` of a person, or `state` of a photo"),
        Column("old", "str", "what the data says, age in years"),
        Column("new", "str", "what is right, age in years"),
        Column("why", "str", "the reason, in words"),
        Column("who", "str", "who decided it"),
        Column("date", "str", "the day of the decision, YYYY-MM-DD"),
    ),
)

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Facial landmarks; left and right as seen in the photo."""
BOX_SIDES = ("left", "top", "right", "bottom")
FACE_SIDES = tuple(f"face_{side}" for side in BOX_SIDES)
MARK_COLUMNS = tuple(f"{mark}_{axis}" for mark in LANDMARKS for axis in "xy")

FACE_COLUMNS = (
    Column("score", "Float64", "the detector's confidence, 0..1; missing if no face was found"),
    Column("faces", "Int16", "number of faces that the detector found; missing if not searched"),
    *(
        Column(f"face_{side}", "Float64", f"{side} side of the face that counts, pixels; missing if no face was found")
        for side in BOX_SIDES
    ),
    *(
        Column(
            f"{mark}_{axis}",
            "Float64",
            f"{axis} of the {mark.replace('_', ' ')}, pixels; missing if no face was found",
        )
        for mark in LANDMARKS
        for axis in "xy"
    ),
)

FINDINGS = Table(
    "findings",
    "a photo that was searched for faces, wherever it lies",
    (
        Column("sha256", "str", "digest of the file's bytes, hex"),
        Column("detector", "str", "who found the face: `retinaface` or `mtcnn`; missing if nobody did"),
        *FACE_COLUMNS,
    ),
)

BOXES = Table(
    "boxes",
    "a photo, in the order of the catalog",
    (
        PHOTO,
        *(
            Column(
                side,
                "int32",
                f"{side} side of the box to crop, pixels, padding included; right and bottom are exclusive",
            )
            for side in BOX_SIDES
        ),
        Column(
            "source",
            "str",
            "who found the box: `retinaface`, `mtcnn`, `default` (nobody, or undersized) or `centre` (not searched)",
        ),
        Column("undersized", "bool", "a face was found, but so small that the default box replaced it"),
        *FACE_COLUMNS,
    ),
)

CROPS = Table(
    "crops",
    "a photo, in the order of the catalog",
    (
        PHOTO,
        Column("shard", "str", "name of the file that holds its pixels: an array of photos x height x width x 3, RGB"),
        Column("row", "int32", "index of the photo in that array"),
    ),
)

ASIDE = -1
"""Fold of photos that no model is trained on or scores."""

FOLDS = Table(
    "folds",
    "a training photo, in the order of the catalog",
    (
        PHOTO,
        Column("person", "str", "the person on it"),
        Column("fold", "int16", f"the fold that holds it out, 0 and up; {ASIDE}: kept aside, by all models"),
    ),
)

CLASS_COLUMNS = [f"p{number:02d}" for number in range(CLASS_COUNT)]
PROBABILITIES = Table(
    "probabilities",
    "a photo that a model has looked at",
    (
        PHOTO,
        *(Column(name, "float64", f"probability of class {number}") for number, name in enumerate(CLASS_COLUMNS)),
    ),
)

HISTORY = Table(
    "history",
    "an epoch",
    (
        Column("epoch", "int32", "number of the epoch, from 1"),
        Column("learning_rate", "float64", "learning rate of the epoch's first step; 0 if it computed the heads"),
        Column("train_loss", "float64", "mean loss over the training photos, as augmented if they were learnt from"),
        Column("valid_loss", "float64", "mean loss over the fold's own photos"),
        Column("macro_f1", "float64", "official score over the fold's own photos"),
        Column("accuracy_mask", "float64", "share of the fold's own photos with the right mask state"),
        Column("accuracy_gender", "float64", "share with the right gender"),
        Column("accuracy_age", "float64", "share with the right age group"),
        Column("kept", "bool", "whether the fold model has the weights of this epoch, or the mean of those of several"),
    ),
)

SUSPECTS = Table(
    "suspects",
    "a label that the out-of-fold models doubt, the most doubtful first",
    (
        PHOTO,
        Column("person", "str", "the person on it"),
        Column("attribute", "str", "`mask`, `gender` or `age`: the label in doubt"),
        Column("given", "str", "the value that the data gives"),
        Column("suggested", "str", "the value that the models find likeliest"),
        Column("confidence", "float64", "probability that the models give to the given value, 0..1"),
    ),
)

RESULTS = Table(
    "results",
    "an expectation of a validation, suite by suite",
    (
        Column("suite", "str", "name of the suite"),
        Column("expectation", "str", "name of the expectation, unique over all suites"),
        Column("column", "str", "the column that it is about; missing if it is about the whole table"),
        Column("severity", "str", "what its failure means: `critical`, `warning` or `info`"),
        Column("success", "bool", "whether it is met"),
        Column("unit", "str", "what was counted: `photos`, `persons`, `classes`, or the `catalog` as a whole"),
        Column("checked", "int64", "number of those that were looked at"),
        Column("unexpected", "int64", "number of those that break it"),
        Column("example", "str", "one that breaks it, and what is wrong with it; missing if none does"),
        Column("message", "str", "what is expected; if it failed, what was found and what to do"),
    ),
)

OFFENDERS = Table(
    "offenders",
    "something that breaks an expectation of a validation",
    (
        Column("suite", "str", "name of the suite"),
        Column("expectation", "str", "name of the expectation"),
        Column("key", "str", "what breaks it: a photo, a person, a class or whatever the expectation counts"),
        Column("what", "str", "what is wrong with it, in words; missing if its key says all"),
        Column("other", "str", "the photo that it is too like; missing elsewhere"),
    ),
)

TABLES = (
    CATALOG,
    FACTS,
    CORRECTIONS,
    FINDINGS,
    BOXES,
    CROPS,
    FOLDS,
    PROBABILITIES,
    HISTORY,
    SUSPECTS,
    RESULTS,
    OFFENDERS,
)
