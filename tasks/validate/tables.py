"""What the suites look at: the rows of each, read from the artifacts that are validated."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from expectations.settings import SuiteName
from tasks.errors import OutdatedTableError
from tasks.progress import say
from tasks.store import Artifact
from tasks.tables import ASIDE, BOXES, CATALOG, FOLDS

Shares = Mapping[str, Mapping[str, float]]
"""Shares by figure and value, 0..1, as `eda.json` of a catalog has them."""
FIGURES = ("class", "mask", "gender", "age_group")
"""Figures of which there are shares."""


@dataclass(frozen=True)
class Validated:
    """What is validated.

    Attributes:
        rows: the table of every suite.
        shares: what shares are compared with: those of earlier data, or of the photos that were learnt from.
        earlier_photos: whether the table has the photos of earlier data too.
    """

    rows: Mapping[SuiteName, pd.DataFrame]
    shares: Shares = field(default_factory=dict)
    earlier_photos: bool = False


def read_data(catalog: Artifact) -> Validated:
    """Labels of the training photos, and all photos."""
    photos = _photos(catalog)
    train = photos.head(int(photos["split"].eq("train").sum()))  # they come first: a slice, where a choice is a copy
    return Validated({"labels": train, "photos": photos, "balance": train})


def read_drift(catalog: Artifact, reference: Artifact | Shares) -> Validated:
    """The photos of a catalog, and those of an earlier one if there is one: column `data`."""
    new = _photos(catalog).assign(data="new")
    if not isinstance(reference, Artifact):
        return Validated({"drift": new}, reference)
    try:
        earlier = _photos(reference).assign(data="reference")
    except OutdatedTableError:
        say("The earlier catalog was made by other code, so shares alone are compared.")
        return Validated({"drift": new}, _shares(reference))
    both = pd.concat([new, earlier], ignore_index=True)
    return Validated({"drift": both}, _shares(reference), earlier_photos=True)


def read_faces(catalog: Artifact, boxes: Artifact) -> Validated:
    """All photos with their boxes."""
    table = _photos(catalog).merge(BOXES.read(boxes.path("boxes.parquet")), on="photo", validate="1:1")
    return Validated({"faces": table})


def read_folds(catalog: Artifact, folds: Artifact) -> Validated:
    """The training photos with their folds, but for those that are kept aside."""
    dealt = FOLDS.read(folds.path("folds.parquet"))[["photo", "fold"]]
    table = _photos(catalog).merge(dealt, on="photo", validate="1:1")
    return Validated({"folds": table[table["fold"] != ASIDE]})


def read_submission(catalog: Artifact, submission: Artifact) -> Validated:
    """The rows of a submission beside the images of info.csv, each in its order."""
    photos = _photos(catalog)
    expected = [Path(photo).name for photo in photos.loc[photos["split"] == "eval", "photo"]]
    with submission.path("submission.csv").open(encoding="utf-8", newline="") as file:
        given = [(row["ImageID"], row["ans"]) for row in csv.DictReader(file)]
    table = pd.DataFrame(given, columns=["image", "answer"], dtype="str").join(
        pd.Series(expected, name="expected", dtype="str"), how="outer"
    )
    return Validated({"submission": table}, _shares(catalog))


def _photos(catalog: Artifact) -> pd.DataFrame:
    return CATALOG.read(catalog.path("catalog.parquet"))


def _shares(catalog: Artifact) -> Shares:
    figures = json.loads(catalog.path("eda.json").read_text())
    return {figure: figures[figure] for figure in FIGURES}
