"""Shares beside those of a reference."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from expectations.drift import SHARES
from expectations.share_rules import shares_of
from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES, class_name
from tasks.validate.tables import Shares

CLASS_NAMES = {str(number): class_name(number) for number in range(CLASS_COUNT)}
ORDER = (*CLASS_NAMES, *STATES, *GENDERS, *AGE_GROUPS)
"""Values in the order in which they are shown; others follow."""


@dataclass(frozen=True)
class Bar:
    """How common a value is in the new data and in the reference: 0..1."""

    name: str
    new: float
    reference: float


@dataclass(frozen=True)
class Plot:
    """Shares of a column's values.

    Attributes:
        expectation: name of the expectation that judges them.
        title: what has shares, and of what.
        bars: the values.
    """

    expectation: str
    title: str
    bars: list[Bar]

    @property
    def longest(self) -> float:
        """The greatest of all the shares, 0..1."""
        return max(max(bar.new, bar.reference) for bar in self.bars)


def compare_shares(rows: pd.DataFrame, reference: Shares) -> list[Plot]:
    """Shares of the new rows beside each of those that the reference has."""
    plots = []
    for column, (figure, counted, unit) in SHARES.items():
        bars = _bars(shares_of(rows, column, counted), reference.get(figure, {}))
        if figure in reference and bars:
            plots.append(Plot(f"{column}_shares", f"{unit} among the {counted}", bars))
    return plots


def _bars(new: Mapping[str, float], reference: Mapping[str, float]) -> list[Bar]:
    values = _in_order(new.keys() | reference.keys())
    return [Bar(CLASS_NAMES.get(value, value), new.get(value, 0.0), reference.get(value, 0.0)) for value in values]


def _in_order(values: Iterable[str]) -> list[str]:
    known = {value: place for place, value in enumerate(ORDER)}
    return sorted(values, key=lambda value: (known.get(value, len(known)), value))
