"""The gate: which failures stop a flow."""

import pandas as pd

from expectations.settings import SEVERITIES, Severity
from tasks.errors import GateError
from tasks.validate.settings import StopAt

STOPPED_BY: dict[StopAt, tuple[Severity, ...]] = {
    "critical": ("critical",),
    "warning": ("critical", "warning"),
    "never": (),
}
"""Severities whose failures stop the flow."""


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of `results` (table RESULTS) that failed, the most severe first."""
    failed = results[~results["success"]]
    return pd.concat([failed[failed["severity"] == severity] for severity in SEVERITIES])


def check_gate(results: pd.DataFrame, stop_at: StopAt, report: str) -> None:
    """Let `results` (table RESULTS) pass, or name every failure that stops the flow.

    Args:
        results: what became of the expectations.
        stop_at: the least severe failure that stops; `never` lets all pass.
        report: where people read more.

    Raises:
        GateError: at least one expectation of that severity, or of a worse one, failed.
    """
    failed = failures(results)
    stopping = failed[failed["severity"].isin(STOPPED_BY[stop_at])]
    if stopping.empty:
        return
    named = (
        f"  - {row.suite}, {row.expectation} ({row.severity}): {row.message}"
        for row in stopping.itertuples(index=False)
    )
    raise GateError(
        "\n".join(
            [
                f"{len(stopping)} expectations failed that stop the flow (validation.stop_at={stop_at}):",
                *named,
                f"Read {report}, then mend the data and run again, or set what may pass (validation.severities).",
            ]
        )
    )
