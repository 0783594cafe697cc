"""What the models were given: the data set's figures, and the checks that it went through."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import JsonValue

from tasks.report.run import RunTables
from tasks.report.thumbnails import Thumbnails

IN_OTHER_SECTIONS = ("class", "mask", "gender", "age_group", "persons_by_age")
"""Figures of the data set that the report draws or lists elsewhere."""
LISTED = 5
"""Number of a figure's parts that are listed."""
SHOWN = 6
"""Number of photos that are shown of those that break a check."""
SEVERITIES = {
    "critical": "makes the data unfit for use",
    "warning": "should be looked at",
    "info": "is noted",
}
"""Severities of a failed check, the worst first, and what they mean."""


@dataclass(frozen=True)
class FlawedPhoto:
    """A photo that breaks a check.

    Attributes:
        images: its thumbnail, by the photo, and that of the photo that it is too like, where that is what is wrong.
        what: what is wrong with it, in words; empty if the images say all.
    """

    images: dict[str, str]
    what: str


@dataclass(frozen=True)
class Check:
    """A failed check: a rule, and what broke it.

    Attributes:
        message: what breaks the rule, and what to do.
        unit: what was checked.
        checked: number of them.
        unexpected: number of them that break the rule.
        photos: some of these, where they are photos.
    """

    message: str
    unit: str
    checked: int
    unexpected: int
    photos: list[FlawedPhoto]


@dataclass(frozen=True)
class Checks:
    """The checks of a run.

    Attributes:
        failed: failed checks by severity, the worst first.
        met: number of checks that are met.
        total: number of checks.
    """

    failed: dict[str, list[Check]]
    met: int
    total: int


def list_figures(run: RunTables) -> list[tuple[str, str]]:
    """Figures of the data set, as names and values to print."""
    shown = {name: value for name, value in run.figures.items() if name not in IN_OTHER_SECTIONS}
    return [
        (name, text) for figure, value in shown.items() for name, text in _figure_rows(figure.replace("_", " "), value)
    ]


def list_checks(run: RunTables, thumbnails: Thumbnails) -> Checks:
    """What the expectations found."""
    broken = run.results[~run.results["success"]]
    failed = {
        severity: [_check(row, run, thumbnails) for row in broken[broken["severity"] == severity].to_dict("records")]
        for severity in SEVERITIES
    }
    return Checks(failed=failed, met=len(run.results) - len(broken), total=len(run.results))


def _check(result: dict[Hashable, Any], run: RunTables, thumbnails: Thumbnails) -> Check:
    offenders = run.offenders[run.offenders["expectation"] == result["expectation"]]
    return Check(
        message=result["message"],
        unit=result["unit"],
        checked=result["checked"],
        unexpected=result["unexpected"],
        photos=_flawed_photos(offenders.head(SHOWN), thumbnails) if result["unit"] == "photos" else [],
    )


def _flawed_photos(offenders: pd.DataFrame, thumbnails: Thumbnails) -> list[FlawedPhoto]:
    rows = offenders[["key", "what", "other"]].fillna("").itertuples(index=False)
    return [
        FlawedPhoto({photo: thumbnails.uri(photo) for photo in (key, other) if photo}, "" if other else what)
        for key, what, other in rows
    ]


def _figure_rows(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        parts = list(value.items())
        for part, inner in parts[:LISTED]:
            yield from _figure_rows(f"{name}, {part}", inner)
        if len(parts) > LISTED:
            yield f"{name}, others", str(len(parts) - LISTED)
    elif isinstance(value, list):
        yield name, ", ".join(_number(item) for item in value)
    else:
        yield name, _number(value)


def _number(value: JsonValue) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
