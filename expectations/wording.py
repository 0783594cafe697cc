"""Names and words: what people read about an expectation, instead of its class and its arguments."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.settings import Severity

KEY = "photo"
"""The column that names a row; validations must ask for it as `unexpected_index_column_names`."""


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation.

    Attributes:
        expectation: its name.
        rule: what it demands, as a sentence.
        column: the column it is about; None if it is about the whole table.
        severity: what its failure means.
        success: whether it is met.
        unit: what was looked at: photos, persons, classes or the catalog itself.
        checked: number of them.
        unexpected: number of them that break the rule.
        examples: some of those, each with what is wrong.
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


def worded(
    name: str,
    expectation: Expectation,
    rule: str,
    *,
    unit: str = "photos",
    flaw: str,
    remedy: str,
    severity: Severity = "critical",
) -> Expectation:
    """`expectation` with its name and its words.

    Args:
        name: short and unique over all suites; severities are set by it.
        expectation: any expectation.
        rule: what must hold, as a sentence.
        unit: what is counted, as a plural; `catalog` if nothing is.
        flaw: what is wrong with those that break the rule; it follows ``3 of 2,800 photos`` or ``The catalog``.
        remedy: what the reader should do, as a sentence.
        severity: what a failure means unless the settings say otherwise.
    """
    expectation.description = rule
    expectation.severity = FailureSeverity(severity)
    expectation.meta = {"name": name, "unit": unit, "flaw": flaw, "remedy": remedy}
    return expectation


def outcome(result: ExpectationValidationResult) -> Outcome:
    """The result of a `worded` expectation, in numbers and words."""
    config, facts = result.expectation_config, result.result
    unit, column = config.meta["unit"], config.kwargs.get("column")
    checked, unexpected = facts.get("element_count", 1), facts.get("unexpected_count", int(not result.success))
    examples = _examples(facts, column)
    counted = f"{unexpected:,} of {checked:,} {unit}" if "unexpected_count" in facts else f"The {unit}"
    such_as = f", such as {examples[0]}" if examples else ""
    return Outcome(
        expectation=config.meta["name"],
        rule=config.description,
        column=column,
        severity=config.severity.value,
        success=bool(result.success),
        unit=unit,
        checked=checked,
        unexpected=unexpected,
        examples=examples,
        message=config.description
        if result.success
        else f"{counted} {config.meta['flaw']}{such_as}. {config.meta['remedy']}",
    )


def _examples(facts: dict[str, Any], column: str | None) -> tuple[str, ...]:
    """Offenders in words: a `Rule` has put them so, Great Expectations' own results give key and value."""
    rows = facts.get("partial_unexpected_index_list")
    if rows is None:
        return tuple(facts.get("partial_unexpected_list", ()))
    if column == KEY:
        return tuple(row[KEY] for row in rows)
    return tuple(f"{row[KEY]} ({'missing' if pd.isna(row[column]) else row[column]})" for row in rows)
