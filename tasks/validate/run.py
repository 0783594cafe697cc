"""Running suites over a table."""

from threading import Lock
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig

from expectations.wording import KEY, Outcome, outcome
from tasks.errors import DataError

RESULT_FORMAT = {"result_format": "SUMMARY", "unexpected_index_column_names": [KEY]}
Outcomes = dict[str, list[Outcome]]
"""Outcomes of the expectations by suite."""

_one_at_a_time = Lock()


def run_suites(rows: pd.DataFrame, suites: list[gx.ExpectationSuite]) -> Outcomes:
    """Check `rows` against every suite.

    Raises:
        DataError: an expectation could not be checked, which is neither success nor failure.
    """
    # Great Expectations keeps its current context in a global of the process.
    with _one_at_a_time:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("foldline").add_dataframe_asset("table")
        batch = asset.add_batch_definition_whole_dataframe("all rows").get_batch({"dataframe": rows})
        validated = [batch.validate(suite, result_format=RESULT_FORMAT) for suite in suites]
    _refuse_exceptions(validated)
    return {suite.suite_name: [outcome(result) for result in suite.results] for suite in validated}


def _refuse_exceptions(validated: list[ExpectationSuiteValidationResult]) -> None:
    """Raise DataError if checking raised: Great Expectations calls that a failure of the data."""
    raised = [
        f"{result.expectation_config.meta['name']} ({message})"
        for suite in validated
        for result in suite.results
        if (message := _exception(result.exception_info))
    ]
    if raised:
        raise DataError(
            f"{len(raised)} expectations could not be checked, such as {raised[0]}. "
            "Check that the table has all columns; otherwise report a bug."
        )


def _exception(info: dict[str, Any]) -> str | None:
    """Message of the exception that checking raised; `info` holds one, or one for every computation of the check."""
    entries = [info] if "raised_exception" in info else info.values()
    return next((entry["exception_message"] for entry in entries if entry["raised_exception"]), None)
