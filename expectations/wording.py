"""Names and words: what people read about an expectation, instead of its class and its arguments."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.settings import Severity

KEY = "photo"
"""The column that names a row."""
EXAMPLES = 20
"""Number of offenders that Data Docs show."""


@dataclass(frozen=True)
class Words:
    """An expectation in words.

    Attributes:
        rule: what must hold, as a sentence.
        flaw: what is wrong with those that break the rule; it follows ``3 of 2,800 photos`` or ``The catalog``.
        remedy: what the reader should do, as a sentence.
        unit: what is counted, as a plural; `catalog` if nothing is.
    """

    rule: str
    flaw: str
    remedy: str
    unit: str = "photos"


class Offender(NamedTuple):
    """Something that breaks an expectation.

    Attributes:
        key: what it is: a photo, a person, a class or whatever the expectation counts.
        what: what is wrong with it, in words; None if its key says all.
        other: the photo that it is too like, where that is what is wrong.
    """

    key: str
    what: str | None = None
    other: str | None = None

    def __str__(self) -> str:
        return f"{self.key} ({self.what})" if self.what else self.key


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation.

    Attributes:
        expectation: its name.
        rule: what must hold, as a sentence.
        column: the column it is about; None if it is about the whole table.
        severity: what its failure means.
        success: whether it is met.
        unit: what was counted, as a plural; `catalog` if nothing was.
        checked: number of those that were looked at.
        unexpected: number of those that break the rule.
        offenders: those that do, at most LISTED of them.
        message: the rule if it is met; otherwise how many break it, one of them, and what to do.
    """

    expectation: str
    rule: str
    column: str | None
    severity: Severity
    success: bool
    unit: str
    checked: int
    unexpected: int
    offenders: tuple[Offender, ...]
    message: str

    @property
    def examples(self) -> list[str]:
        """Some offenders in words."""
        return [str(offender) for offender in self.offenders[:EXAMPLES]]

    def row(self, suite: str) -> dict[str, object]:
        """The outcome as a row of the table RESULTS."""
        return {"suite": suite, "example": next(iter(self.examples), None), **vars(self)}

    def offender_rows(self, suite: str) -> list[dict[str, object]]:
        """The offenders as rows of the table OFFENDERS."""
        return [{"suite": suite, "expectation": self.expectation, **found._asdict()} for found in self.offenders]


def worded(name: str, expectation: Expectation, words: Words, severity: Severity = "critical") -> Expectation:
    """`expectation` with its words, its severity and a name that is unique over all suites."""
    expectation.description = words.rule
    expectation.severity = FailureSeverity(severity)
    expectation.meta = {"name": name, "words": asdict(words)}
    return expectation


def name_of(expectation: Expectation) -> str:
    """The name that `worded` gave to `expectation`."""
    return str((expectation.meta or {})["name"])


def outcome(result: ExpectationValidationResult, rows: pd.DataFrame) -> Outcome:
    """The result of a `worded` expectation over `rows`, in numbers and words."""
    config: Any = result.expectation_config
    facts, words = result.result, Words(**config.meta["words"])
    column, success = config.kwargs.get("column"), bool(result.success)
    checked, unexpected = facts.get("element_count", 1), facts.get("unexpected_count", int(not success))
    offenders = _offenders(facts, column, rows)
    counted = f"{unexpected:,} of {checked:,} {words.unit}" if "unexpected_count" in facts else f"The {words.unit}"
    such_as = f", such as {offenders[0]}" if offenders else ""
    return Outcome(
        expectation=config.meta["name"],
        rule=words.rule,
        column=column,
        severity=config.severity.value,
        success=success,
        unit=words.unit,
        checked=checked,
        unexpected=unexpected,
        offenders=offenders,
        message=words.rule if success else f"{counted} {words.flaw}{such_as}. {words.remedy}",
    )


def _offenders(facts: dict[str, Any], column: str, rows: pd.DataFrame) -> tuple[Offender, ...]:
    """A `Rule` has named them; Great Expectations' own results give positions in the table."""
    positions = facts.get("partial_unexpected_index_list")
    if positions is None:
        return tuple(Offender(*found) for found in facts.get("partial_unexpected_list", ()))
    broken = rows.iloc[positions]
    if column == KEY:
        return tuple(Offender(key) for key in broken[KEY])
    values = broken[column].astype("str").fillna("missing")
    return tuple(Offender(key, value) for key, value in zip(broken[KEY], values, strict=True))
