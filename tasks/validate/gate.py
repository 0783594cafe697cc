"""The gate: which failures stop a flow."""

import pandas as pd

from tasks.errors import GateError
from tasks.validate.settings import StopAt

STOPPED_BY = {"critical": ("critical",), "warning": ("critical", "warning"), "never": ()}
"""Severities whose failures stop the flow."""


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of `results` (table RESULTS) that failed, the most severe first."""
    failed = results[~results["success"]]
    order = failed["severity"].map(["critical", "warning", "info"].index)
    return failed.loc[order.sort_values(kind="stable").index]


def check_gate(results: pd.DataFrame, stop_at: StopAt, report: str) -> None:
    """Let `results` (table RESULTS) pass, or name every failure that stops the flow.

    Args:
        results: what became of the expectations.
        stop_at: the least severe failure that stops; `never` lets all pass.
        report: where people read more.

    Raises:
        GateError: at least one expectation of that severity, or a worse one, failed.
    """
    failed = failures(results)
    stopping = failed[failed["severity"].isin(STOPPED_BY[stop_at])]
    if stopping.empty:
        return
    lines = [
        f"  - {row.suite}, {row.expectation} ({row.severity}): {row.message}"
        for row in stopping.itertuples(index=False)
    ]
    raise GateError(
        "\n".join(
            [
                f"{len(stopping)} expectations failed that stop the flow (stop_at={stop_at}):",
                *lines,
                f"Read {report}, mend the data and run again; or lower their severity (validation.severities).",
            ]
        )
    )
