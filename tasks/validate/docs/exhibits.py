"""Which offenders the page of pictures shows, and on which photos each is to be seen."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

import pandas as pd

from expectations.settings import SEVERITIES, SuiteName
from expectations.wording import Offender, Outcome
from tasks.validate.run import Outcomes

SHOWN = 24
"""Most offenders of an expectation that are shown."""
PHOTOS = 500
"""Most photos on a page, dealt out evenly among the expectations: with their thumbnails it stays below 5 MB."""
OF_ONE = 7
"""Most photos that show one offender: those that a person has."""

Captions = dict[str, str]
"""What stands below each photo, by the photo."""


@dataclass(frozen=True)
class Exhibit:
    """An offender, and the photos that show it."""

    offender: Offender
    captions: Captions


@dataclass(frozen=True)
class Wall:
    """A failed expectation, and those of its offenders that are shown."""

    suite: SuiteName
    outcome: Outcome
    exhibits: list[Exhibit]


def list_failures(outcomes: Outcomes) -> list[tuple[SuiteName, Outcome]]:
    """Failed expectations with their suites, the most severe first."""
    failures = [(suite, outcome) for suite, judged in outcomes.items() for outcome in judged if not outcome.success]
    return sorted(failures, key=lambda failure: SEVERITIES.index(failure[1].severity))


def choose_exhibits(outcomes: Outcomes, rows: Mapping[SuiteName, pd.DataFrame]) -> list[Wall]:
    """The failed expectations whose offenders photos can show, the most severe first."""
    failures = [failure for failure in list_failures(outcomes) if failure[1].unit in _PHOTOS_OF]
    walls = (
        Wall(suite, outcome, _fitting(_exhibits(outcome, rows[suite]), PHOTOS // len(failures)))
        for suite, outcome in failures
    )
    return [wall for wall in walls if wall.exhibits]


def _exhibits(outcome: Outcome, rows: pd.DataFrame) -> Iterator[Exhibit]:
    """The offenders that photos can show, one after another."""
    for offender in outcome.offenders:
        if captions := _PHOTOS_OF[outcome.unit](offender, rows):
            yield Exhibit(offender, captions)


def _fitting(exhibits: Iterable[Exhibit], room: int) -> list[Exhibit]:
    """The first exhibits that have no more photos together than there is room for; at least one."""
    fitting: list[Exhibit] = []
    for exhibit in islice(exhibits, SHOWN):
        room -= len(exhibit.captions)
        if fitting and room < 0:
            break
        fitting.append(exhibit)
    return fitting


def _of_photo(offender: Offender, rows: pd.DataFrame) -> Captions:
    """The photo, and the one that it is too like."""
    del rows
    return {photo: photo for photo in (offender.key, offender.other) if photo}


def _of_person(offender: Offender, rows: pd.DataFrame) -> Captions:
    photos = rows.loc[rows["person"] == offender.key, "photo"].unique()[:OF_ONE]
    return {photo: PurePosixPath(photo).name for photo in photos}


def _of_id(offender: Offender, rows: pd.DataFrame) -> Captions:
    """A photo of each of its persons: the one without a mask, if there is one."""
    photos = rows[rows["group"] == offender.key]
    masked_last = photos.iloc[photos["state"].ne("normal").argsort(kind="stable")]
    faces = masked_last.drop_duplicates("person").sort_values("person").head(OF_ONE)
    return dict(zip(faces["photo"], faces["person"], strict=True))


_PHOTOS_OF: dict[str, Callable[[Offender, pd.DataFrame], Captions]] = {
    "photos": _of_photo,
    "persons": _of_person,
    "ids": _of_id,
}
"""How to find the photos that show an offender, by what the expectation counts."""
