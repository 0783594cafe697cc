"""Our own expectations of new data beside earlier data: rows of both in one table, told apart by the column `data`."""

from typing import Any

import pandas as pd

from expectations.photo_rules import brightness
from expectations.rule import Rule, Verdict

NEW, REFERENCE = "new", "reference"
"""Values of the column `data`."""
LABELS = ["state", "gender", "age"]
"""Labels that are compared."""
BEFORE = "_before"
"""What the name of a column ends in that tells a label of the reference."""
SHOWN = 0.01
"""A size is told if its share differs by so much."""


class ExpectSteadyBrightness(Rule):
    """The mean brightness of a split has not moved."""

    most: float
    """Greatest move, in standard deviations of the reference's photos."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the splits that both have."""
        photos = rows[rows["problem"].isna()]
        moments = brightness(photos).groupby([photos["split"], photos["data"]]).agg(["mean", "std"])
        columns = pd.MultiIndex.from_product([["mean", "std"], [NEW, REFERENCE]])
        by_split = pd.DataFrame(moments.unstack("data")).reindex(columns=columns)  # one may have no photo left
        both = by_split.dropna()
        new, reference, spread = both["mean", NEW], both["mean", REFERENCE], both["std", REFERENCE]
        moved = both.index[(new - reference).abs() > self.most * spread]
        words = [f"mean {new[split]:.3f} instead of {reference[split]:.3f}" for split in moved]
        return Verdict(len(both), pd.Series(words, moved, dtype="str"))


class ExpectSteadySizes(Rule):
    """Photos have the sizes that they had."""

    most: float
    """Greatest total variation distance, half the sum of all differences of shares, 0..1."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the sizes."""
        photos = rows[rows["problem"].isna()]
        sizes = photos["width"].astype("str") + "x" + photos["height"].astype("str")
        shares = pd.crosstab(sizes, photos["data"], normalize="columns").reindex(
            columns=[NEW, REFERENCE], fill_value=0.0
        )
        off = (shares[NEW] - shares[REFERENCE]).abs()
        if off.sum() / 2 <= self.most:
            return Verdict(len(shares), pd.Series(dtype="str"))
        moved = shares[off >= min(SHOWN, off.max())]
        words = [f"{new:.1%} instead of {reference:.1%}" for new, reference in moved.to_numpy()]
        return Verdict(len(shares), pd.Series(words, moved.index, dtype="str"))


class ExpectNobodyGone(Rule):
    """The persons of the reference are still there."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons of the reference."""
        new, reference = _persons(rows, NEW), _persons(rows, REFERENCE)
        gone = reference.difference(new, sort=False)
        return Verdict(len(reference), pd.Series("gone", gone, dtype="str"))


class ExpectNobodyNew(Rule):
    """No person is there that was not in the reference."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons of the new data."""
        new, reference = _persons(rows, NEW), _persons(rows, REFERENCE)
        come = new.difference(reference, sort=False)
        return Verdict(len(new), pd.Series("new", come, dtype="str"))


class ExpectSameLabels(Rule):
    """Photos that both have, by their bytes, have the labels that they had."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that both have."""
        train = rows.loc[rows["split"] == "train", ["data", "photo", "sha256", *LABELS]]
        new, reference = (train[train["data"] == data].drop_duplicates("sha256") for data in (NEW, REFERENCE))
        both = new.merge(reference, on="sha256", suffixes=("", BEFORE))
        differ = [_differ(both[label], both[label + BEFORE]) for label in LABELS]
        other = both[pd.concat(differ, axis=1).any(axis=1)]
        words = _in_words(other[LABELS]) + " instead of " + _in_words(other[[label + BEFORE for label in LABELS]])
        return Verdict(len(both), words.set_axis(other["photo"]))


def _persons(rows: pd.DataFrame, data: str) -> "pd.Index[str]":
    persons: pd.Index[str] = pd.Index(rows.loc[rows["data"] == data, "person"].dropna().unique())
    return persons


def _differ(now: "pd.Series[Any]", before: "pd.Series[Any]") -> "pd.Series[bool]":
    """Whether values differ; two that are missing do not."""
    return now.ne(before).fillna(value=True).astype("bool") & ~(now.isna() & before.isna())


def _in_words(labels: pd.DataFrame) -> "pd.Series[str]":
    """The labels of each row, one after another."""
    texts = labels.astype("str").fillna("missing").to_numpy()
    return pd.Series([" ".join(row) for row in texts], labels.index, dtype="str")
