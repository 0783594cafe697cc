"""Our own expectations of labels: what must be the same within a person, and what must follow from what."""

from abc import abstractmethod
from collections import Counter
from typing import ClassVar

import numpy as np
import pandas as pd

from expectations.rule import Rule, Verdict
from tasks.classes import AGE_BOUNDS, AGE_GROUPS, GENDERS, STATE_OF_FILE, STATES

PHOTOS_OF_PERSON = Counter(STATE_OF_FILE.values())
"""Number of photos that a person has, by state."""
FOLDER = r"^(?P<id>.+?)(?P<suffix>-\d+)?_(?P<gender>[^_]+)_(?P<race>[^_]+)_(?P<age>[^_]+)$"
"""A person's folder name, as the competition writes it."""


class ExpectOneValuePerPerson(Rule):
    """A label is the same on all photos of a person."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons."""
        pairs = rows[["person", self.column]].dropna().drop_duplicates()
        several = pairs[pairs["person"].duplicated(keep=False)]
        words = several[self.column].astype(str).groupby(several["person"]).agg(", ".join)
        return Verdict(pairs["person"].nunique(), words)


class ExpectSevenPhotosPerPerson(Rule):
    """A person has five photos with a mask, one with a mask worn wrongly and one without."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons."""
        counts = rows.groupby(["person", "state"]).size().unstack(fill_value=0)
        counts = counts.reindex(columns=list(STATES), fill_value=0)
        wrong = counts[counts.ne(pd.Series(PHOTOS_OF_PERSON)).any(axis=1)]
        words = wrong.apply(lambda person: ", ".join(f"{n} {state}" for state, n in person.items()), axis=1)
        return Verdict(len(counts), words)
