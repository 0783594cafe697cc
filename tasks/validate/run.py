"""Running suites over their tables."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent.pandas_datasource import PandasDatasource
from great_expectations.execution_engine import pandas_execution_engine

from expectations.rule import LISTED
from expectations.settings import SuiteName
from expectations.wording import Outcome, outcome
from tasks.errors import DataError

Outcomes = dict[SuiteName, list[Outcome]]
"""Outcomes of the expectations by suite."""

_one_at_a_time = Lock()

# Tables of so many bytes get no fingerprint. It would take as long as all rules together, and nobody reads it.
pandas_execution_engine.HASH_THRESHOLD = 0


def run_suites(tables: Mapping[SuiteName, pd.DataFrame], suites: Mapping[SuiteName, gx.ExpectationSuite]) -> Outcomes:
    """Check the table of every suite against it.

    Raises:
        DataError: an expectation could not be checked, which is neither success nor failure.
    """
    # Great Expectations keeps its current context in a global of the process.
    with _one_at_a_time:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_pandas("foldline")
        validated = {name: _run(source, tables[name], suite) for name, suite in suites.items()}
    _refuse_exceptions([result for _, result in validated.values()])
    return {name: [outcome(found, rows) for found in result.results] for name, (rows, result) in validated.items()}


def _run(
    source: PandasDatasource, table: pd.DataFrame, suite: gx.ExpectationSuite
) -> tuple[pd.DataFrame, ExpectationSuiteValidationResult]:
    # Great Expectations copies all that it is given for every column that it looks at itself.
    rows = table.filter(items=suite.meta["columns"]).reset_index(drop=True)
    asset = source.add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all rows").get_batch({"dataframe": rows})
    # Without keys to look up, results give positions of rows: keys would cost a minute for a million failures.
    return rows, batch.validate(suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": LISTED})


def _refuse_exceptions(validated: list[ExpectationSuiteValidationResult]) -> None:
    """Raise DataError if checking raised: Great Expectations calls that a failure of the data."""
    raised = [words for suite in validated for result in suite.results if (words := _exception(result))]
    if raised:
        raise DataError(
            f"{len(raised)} expectations could not be checked, such as {raised[0]}. "
            "Check that the table has all columns; otherwise report a bug."
        )


def _exception(result: ExpectationValidationResult) -> str | None:
    """The expectation and the exception that checking it raised; a result has one, or one for every computation."""
    config: Any = result.expectation_config
    info: dict[str, Any] = result.exception_info
    entries = [info] if "raised_exception" in info else info.values()
    messages = [entry["exception_message"] for entry in entries if entry["raised_exception"]]
    return f"{config.meta['name']} ({messages[0]})" if messages else None
