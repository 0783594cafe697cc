"""Shares of classes and of attributes' values: what was learnt from, and what is predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.classes import ATTRIBUTES, CLASS_COUNT, class_name
from tasks.metrics import Labels, attributes_of
from tasks.report.run import RunTables

SOURCES = ("training labels", "out-of-fold predictions", "evaluation predictions")
"""Where classes come from."""


@dataclass(frozen=True)
class Share:
    """How common a class, or a value of an attribute, is among each of the SOURCES: 0..1."""

    name: str
    shares: tuple[float, ...]


def class_shares(run: RunTables) -> list[Share]:
    """Shares of the 18 classes."""
    return _shares([class_name(number) for number in range(CLASS_COUNT)], _sources(run))


def attribute_shares(run: RunTables) -> dict[str, list[Share]]:
    """Shares of every attribute's values, by attribute."""
    sources = [attributes_of(classes) for classes in _sources(run)]
    return {name: _shares(values, [source[name] for source in sources]) for name, values in ATTRIBUTES.items()}


def _sources(run: RunTables) -> list[Labels]:
    columns = (run.train["class"], run.train["predicted"], run.eval["predicted"])
    return [np.asarray(column, np.int64) for column in columns]


def _shares(names: Sequence[str], sources: Sequence[Labels]) -> list[Share]:
    # A run without evaluation photos has no predictions for them: their shares are 0.
    columns = [np.bincount(source, minlength=len(names)) / max(len(source), 1) for source in sources]
    return [Share(name, tuple(row)) for name, row in zip(names, np.stack(columns, axis=1).tolist(), strict=True)]
