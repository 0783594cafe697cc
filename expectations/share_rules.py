"""Shares beside other shares, by the Kullback-Leibler divergence."""

from collections.abc import Mapping
from math import log
from typing import Literal

import pandas as pd

from expectations.drift_rules import NEW
from expectations.rule import Rule, Verdict
from tasks.classes import class_name

SMOOTHING = 1e-4
"""Added to every share, so that a value that one side lacks does not make the divergence infinite."""
SHOWN = 0.01
"""A value is told if its share differs by so much."""
Counted = Literal["photos", "persons"]


def divergence(new: Mapping[str, float], reference: Mapping[str, float]) -> float:
    """Kullback-Leibler divergence of new shares from the reference's, nats; 0 if they are the same.

    Source: Kullback and Leibler, On information and sufficiency, 1951.
    """
    values = new.keys() | reference.keys()
    p = {value: new.get(value, 0.0) + SMOOTHING for value in values}
    q = {value: reference.get(value, 0.0) + SMOOTHING for value in values}
    p_sum, q_sum = sum(p.values()), sum(q.values())
    return sum(p[value] / p_sum * log(p[value] / p_sum / (q[value] / q_sum)) for value in values)


def shares_of(rows: pd.DataFrame, column: str, counted: Counted) -> dict[str, float]:
    """Shares of a column's values, 0..1; where rows of earlier data stand beside new ones, those of the new."""
    columns = ["person", column] if counted == "persons" else [column]
    new = rows.loc[rows["data"] == NEW, columns] if "data" in rows else rows[columns]
    values = (new.drop_duplicates("person") if counted == "persons" else new)[column].dropna().astype("str")
    return {str(value): float(share) for value, share in values.value_counts(normalize=True).items()}


class ExpectSharesLike(Rule):
    """The shares of a column's values are like those of a reference."""

    reference: dict[str, float]
    """Shares by value, 0..1."""
    most: float
    """Greatest divergence of the new shares from them, nats."""
    counted: Counted
    """What a share is a share of."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the values: those whose shares differ are the offenders, if all of them together diverge too far."""
        shares = shares_of(rows, self.column, self.counted)
        values = sorted(self.reference.keys() | shares.keys())
        if divergence(shares, self.reference) <= self.most:
            return Verdict(len(values), pd.Series(dtype="str"))
        off = {value: shares.get(value, 0.0) - self.reference.get(value, 0.0) for value in values}
        told = sorted(values, key=lambda value: -abs(off[value]))
        told = [value for value in told if abs(off[value]) >= SHOWN] or told[:1]
        words = [f"{shares.get(value, 0.0):.1%} instead of {self.reference.get(value, 0.0):.1%}" for value in told]
        names = [class_name(int(value)) if self.column in ("class", "answer") else value for value in told]
        return Verdict(len(values), pd.Series(words, names, dtype="str"))
