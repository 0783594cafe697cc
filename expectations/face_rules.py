"""Our own expectations of boxes: how often the search for faces goes wrong, and whether it does so in one class."""

from collections.abc import Callable
from typing import Final, Literal

import pandas as pd

from expectations.rule import Rule, Verdict
from tasks.classes import class_name

Trouble = Literal["no_face", "several_faces", "tiny_face", "cut_off"]


def _no_face(boxes: pd.DataFrame) -> "pd.Series[bool]":
    return (boxes["source"] == "default") & ~boxes["undersized"]


def _several_faces(boxes: pd.DataFrame) -> "pd.Series[bool]":
    return boxes["faces"].fillna(0).gt(1).astype("bool")


def _tiny_face(boxes: pd.DataFrame) -> "pd.Series[bool]":
    return boxes["undersized"]


def _cut_off(boxes: pd.DataFrame) -> "pd.Series[bool]":
    at_side = boxes["left"].eq(0) | boxes["top"].eq(0)
    at_other = boxes["right"].eq(boxes["width"]) | boxes["bottom"].eq(boxes["height"])
    return (at_side | at_other) & (boxes["source"] != "default")


TROUBLES: Final[dict[Trouble, Callable[[pd.DataFrame], "pd.Series[bool]"]]] = {
    "no_face": _no_face,
    "several_faces": _several_faces,
    "tiny_face": _tiny_face,
    "cut_off": _cut_off,
}
"""What can be wrong with a box, and which boxes it is wrong with."""


class ExpectSeldomTrouble(Rule):
    """A kind of trouble is rare among all photos that were searched."""

    trouble: Trouble
    most: float
    """Greatest share of photos that may have it, 0..1."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos: those that have it are the offenders, if they are too many."""
        searched = searched_photos(rows)
        troubled = searched[TROUBLES[self.trouble](searched)]
        too_many = len(troubled) > self.most * len(searched)
        found = troubled if too_many else troubled.iloc[:0]
        words = "found by " + found["source"] + ", faces: " + found["faces"].astype("str")
        return Verdict(len(searched), words.set_axis(found["photo"]))


class ExpectTroubleInNoClass(Rule):
    """A kind of trouble is rare in every class: one that comes with a class biases what is learnt in silence."""

    trouble: Trouble
    most: float
    """Greatest share of a class's photos that may have it, 0..1."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the classes that occur."""
        searched = searched_photos(rows).dropna(subset=["class"])
        marks = TROUBLES[self.trouble](searched)
        by_class = marks.groupby(searched["class"]).agg(["mean", "size"])
        bad = by_class[by_class["mean"] > self.most]
        words = [f"{share:.1%} of {size:,} photos" for share, size in zip(bad["mean"], bad["size"], strict=True)]
        return Verdict(len(by_class), pd.Series(words, [class_name(number) for number in bad.index], dtype="str"))


class ExpectFirstDetector(Rule):
    """One detector finds nearly all faces: the boxes of several are not quite alike."""

    most: float
    """Greatest share of faces that others may find, 0..1."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the detectors."""
        found = rows.loc[~rows["source"].isin(("default", "centre")), "source"]
        others = found.value_counts(normalize=True).iloc[1:]
        often = others[others > self.most]
        return Verdict(found.nunique(), often.map("{:.1%} of the faces".format))


def searched_photos(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos in which faces were searched for."""
    return rows[rows["source"] != "centre"]
