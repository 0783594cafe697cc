"""What the models were given: the data set's figures, the checks that it went through, and the faces found in it."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import JsonValue

from tasks.classes import STATES
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
NO_FACE = ("default", "centre")
"""Sources of a box that was not put around a face."""


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


@dataclass(frozen=True)
class FaceRow:
    """How boxes were found in some photos: shares 0..1 by source, and the number that were undersized."""

    name: str
    photos: int
    shares: dict[str, float]
    undersized: int


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


def face_sources(run: RunTables) -> tuple[list[str], list[FaceRow]]:
    """Sources of boxes, the commonest first, and their shares overall, by state and among evaluation photos."""
    boxes = run.boxes
    sources = boxes["source"].value_counts().index.tolist()
    parts = {
        "all photos": boxes,
        **{state: boxes[boxes["state"] == state] for state in STATES},
        "evaluation": boxes[boxes["split"] == "eval"],
    }
    return sources, [_face_row(name, part, sources) for name, part in parts.items() if len(part)]


def box_sizes(run: RunTables) -> pd.DataFrame:
    """Width and height, pixels, of the training photos' boxes around faces; empty if there are none."""
    found = run.boxes[~run.boxes["source"].isin(NO_FACE) & (run.boxes["split"] == "train")]
    return pd.DataFrame({"width": found["right"] - found["left"], "height": found["bottom"] - found["top"]})


def smallest_box(run: RunTables) -> dict[str, float]:
    """Width and height, pixels, below both of which a box around a face was called undersized."""
    limits = run.artifacts["faces"].manifest.summary["smallest_box"]
    found = limits.items() if isinstance(limits, dict) else ()
    return {side: limit for side, limit in found if isinstance(limit, float)}


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


def _face_row(name: str, boxes: pd.DataFrame, sources: list[str]) -> FaceRow:
    shares = {source: float((boxes["source"] == source).mean()) for source in sources}
    return FaceRow(name, len(boxes), shares, int(boxes["undersized"].sum()))


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
