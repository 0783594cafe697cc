"""Our own expectations of the classes' sizes."""

import pandas as pd

from expectations.rule import Rule, Verdict
from tasks.classes import CLASS_COUNT, class_name


class ExpectPhotosInEveryClass(Rule):
    """Every class has enough photos."""

    min_photos: int

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the classes."""
        counts = _photos_by_class(rows)
        short = counts[counts < self.min_photos]
        return Verdict(CLASS_COUNT, short.map("{:,} photos".format))


class ExpectNoRareClass(Rule):
    """The rarest class is not too rare beside the commonest."""

    min_ratio: float

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the classes."""
        counts = _photos_by_class(rows)
        rare = counts[counts < self.min_ratio * counts.max()]
        return Verdict(CLASS_COUNT, rare.map(f"{{:,}} photos against {counts.max():,}".format))


def _photos_by_class(rows: pd.DataFrame) -> "pd.Series[int]":
    counts = rows["class"].value_counts().reindex(range(CLASS_COUNT), fill_value=0)
    return counts.rename(index=class_name).astype("int64")
