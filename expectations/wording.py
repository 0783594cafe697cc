"""Names and words: what people read about an expectation, instead of its class and its arguments."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.settings import Severity

KEY = "photo"
"""The column that names a row."""


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
        examples: some that do, each with what is wrong.
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
    examples: tuple[str, ...]
    message: str

    def row(self, suite: str) -> dict[str, object]:
        """The outcome as a row of the table RESULTS."""
        example = self.examples[0] if self.examples else None
        return {"suite": suite, "example": example, **vars(self)}


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
    examples = _examples(facts, column, rows)
    counted = f"{unexpected:,} of {checked:,} {words.unit}" if "unexpected_count" in facts else f"The {words.unit}"
    such_as = f", such as {examples[0]}" if examples else ""
    return Outcome(
        expectation=config.meta["name"],
        rule=words.rule,
        column=column,
        severity=config.severity.value,
        success=success,
        unit=words.unit,
        checked=checked,
        unexpected=unexpected,
        examples=examples,
        message=words.rule if success else f"{counted} {words.flaw}{such_as}. {words.remedy}",
    )


def _examples(facts: dict[str, Any], column: str, rows: pd.DataFrame) -> tuple[str, ...]:
    """Offenders in words: a `Rule` has put them so, Great Expectations' own results give positions in the table."""
    positions = facts.get("partial_unexpected_index_list")
    if positions is None:
        return tuple(facts.get("partial_unexpected_list", ()))
    broken = rows.iloc[positions]
    if column == KEY:
        return tuple(broken[KEY])
    values = broken[column].astype("str").fillna("missing")
    return tuple(f"{key} ({value})" for key, value in zip(broken[KEY], values, strict=True))
