"""Tables of every subject in which nothing is wrong, to plant flaws in, and what is found in such tables."""

from pathlib import PurePosixPath

import pandas as pd

from expectations.wording import Outcome
from tasks.catalog.eda import describe
from tasks.folds.settings import FoldsSettings
from tasks.folds.split import split
from tasks.sample.table import draw_boxes, draw_catalog
from tasks.validate.run import run_suites
from tasks.validate.settings import Subject, SuiteSettings
from tasks.validate.suites import build_suites
from tasks.validate.tables import FIGURES, Shares, Validated

PEOPLE, OF_PERSON = 60, 7
CATALOG = draw_catalog(PEOPLE, evaluation=PEOPLE * OF_PERSON, seed=1)
"""Persons of every gender and age group, and as many photos to predict as there are to learn from."""
TRAIN, EVAL = (CATALOG[CATALOG["split"] == split] for split in ("train", "eval"))
IMAGES = [PurePosixPath(photo).name for photo in EVAL["photo"]]
FIGURES_OF_CATALOG = describe(CATALOG)
SHARES: Shares = {figure: FIGURES_OF_CATALOG[figure] for figure in FIGURES}
CLEAN: dict[Subject, pd.DataFrame] = {
    "data": CATALOG,
    "drift": pd.concat([CATALOG.assign(data="new"), CATALOG.assign(data="reference")], ignore_index=True),
    "faces": CATALOG.merge(draw_boxes(CATALOG, seed=1), on="photo"),
    "folds": TRAIN.assign(fold=split(TRAIN, FoldsSettings(count=3))),
    "submission": pd.DataFrame({"image": IMAGES, "answer": TRAIN["class"].astype("str"), "expected": IMAGES}),
}


def validated(subject: Subject, table: pd.DataFrame) -> Validated:
    """A table as it is validated."""
    if subject == "data":
        train = table[table["split"] == "train"]
        return Validated({"labels": train, "photos": table, "balance": train})
    return Validated({subject: table}, SHARES, earlier_photos=True)


def failures(subject: Subject, table: pd.DataFrame, settings: SuiteSettings | None = None) -> dict[str, Outcome]:
    """Expectations of the subject that fail, by name."""
    given = validated(subject, table)
    outcomes = run_suites(given.rows, build_suites((settings or SuiteSettings()).about(subject), given))
    return {found.expectation: found for judged in outcomes.values() for found in judged if not found.success}
