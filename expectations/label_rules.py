"""Our own expectations of labels: what must be the same within a person, and what must follow from what."""

from abc import abstractmethod
from collections import Counter
from itertools import product
from typing import Any, ClassVar

import pandas as pd

from expectations.rule import Rule, Verdict
from tasks.classes import AGE_GROUPS, GENDERS, STATE_OF_FILE, STATES, age_group, encode_class
from tasks.tables import NUMBERED_ID

PHOTOS_OF_PERSON = pd.Series(Counter(STATE_OF_FILE.values()))
"""Number of photos that a person has, by state."""
NAMED = 3
"""Persons of an id that are named."""
FOLDER = r"^(?P<id>.+)_[^_]+_[^_]+_[^_]+$"
"""Folder name of a person, ``{id}_{gender}_{race}_{age}``: the part that the catalog has no column for."""


class ExpectOneValuePerPerson(Rule):
    """A label is the same on all photos of a person."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons."""
        pairs = rows[["person", self.column]].dropna().drop_duplicates()
        several = pairs[pairs["person"].duplicated(keep=False)]
        values = several[self.column].astype("str").groupby(several["person"]).agg(", ".join)
        return Verdict(pairs["person"].nunique(), values)


class ExpectOnePersonPerId(Rule):
    """An id, without its suffix, belongs to one person."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the ids."""
        pairs = rows[["group", "person"]].dropna().drop_duplicates()
        several = pairs[pairs["group"].duplicated(keep=False)]
        return Verdict(pairs["group"].nunique(), several.groupby("group")["person"].agg(_some))


def _some(persons: "pd.Series[str]") -> str:
    """The first few persons, and how many more there are."""
    more = len(persons) - NAMED
    return ", ".join(persons.head(NAMED)) + (f" and {more:,} more" if more > 0 else "")


class ExpectSevenPhotosPerPerson(Rule):
    """A person has five photos with a mask, one with a mask worn wrongly and one without."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the persons."""
        counts = rows.groupby(["person", "given_state"]).size().unstack(fill_value=0)
        counts = counts.reindex(columns=list(STATES), fill_value=0)
        wrong = counts[counts.ne(PHOTOS_OF_PERSON).any(axis=1)]
        words = [", ".join(f"{n} {state}" for state, n in zip(STATES, row, strict=True)) for row in wrong.to_numpy()]
        return Verdict(len(counts), pd.Series(words, wrong.index))


class DerivedRule(Rule):
    """A column follows from others, where those are known."""

    key: ClassVar[str] = "photo"
    """What is judged."""
    sources: ClassVar[tuple[str, ...]]
    """The columns that it follows from."""

    @abstractmethod
    def derive(self, known: pd.DataFrame) -> "pd.Series[Any]":
        """What the column should be, row by row; missing where its sources are wrong themselves."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos, or what else `key` names."""
        known = rows[list(dict.fromkeys((self.key, self.column, *self.sources)))].dropna().drop_duplicates()
        right = self.derive(known)
        wrong = right.notna() & (known[self.column] != right)
        words = self.column + " should be " + right[wrong].astype("str")
        offenders = words.set_axis(known.loc[wrong, self.key])
        return Verdict(known[self.key].nunique(), offenders[~offenders.index.duplicated()])


class ExpectAgeGroupOfAge(DerivedRule):
    """The age group is that of the age."""

    sources = ("age",)

    def derive(self, known: pd.DataFrame) -> "pd.Series[str]":
        """Age group of every photo."""
        return known["age"].map({age: age_group(age) for age in known["age"].unique()})


class ExpectClassOfAttributes(DerivedRule):
    """The class is that of state, gender and age group."""

    sources = ("state", "gender", "age_group")

    def derive(self, known: pd.DataFrame) -> "pd.Series[int]":
        """Class of every photo."""
        classes = [(*values, encode_class(*values)) for values in product(STATES, GENDERS, AGE_GROUPS)]
        right = pd.DataFrame(classes, columns=[*self.sources, "right"])
        return known.merge(right, "left", list(self.sources))["right"].astype("Int8").set_axis(known.index)


class ExpectFolderOfLabels(DerivedRule):
    """The folder name of a person, ``{id}_{gender}_{race}_{age}``, says what the labels say."""

    key = "person"
    sources = ("group", "given_gender", "race", "given_age")

    def derive(self, known: pd.DataFrame) -> "pd.Series[str]":
        """Folder name of every person; a name of another form is told the form."""
        parts = known["person"].str.extract(FOLDER)
        of_group = parts["id"].str.replace(NUMBERED_ID, r"\1", regex=True) == known["group"]
        id_ = parts["id"].where(of_group, known["group"])
        names = id_ + "_" + known["given_gender"] + "_" + known["race"] + "_" + known["given_age"].astype("str")
        return names.where(parts["id"].notna(), "{id}_{gender}_{race}_{age}")
