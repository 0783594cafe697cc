"""What became of the expectations, as tables."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from expectations.settings import SEVERITIES
from tasks.tables import OFFENDERS, RESULTS, Table
from tasks.validate.run import Outcomes


def write_outcomes(folder: Path, outcomes: Outcomes) -> Mapping[str, JsonValue]:
    """Write results.parquet and offenders.parquet; returns how many expectations there are, and how many failed."""
    judged = [(suite, outcome) for suite, found in outcomes.items() for outcome in found]
    _write(RESULTS, [outcome.row(suite) for suite, outcome in judged], folder / "results.parquet")
    _write(
        OFFENDERS,
        [row for suite, outcome in judged for row in outcome.offender_rows(suite)],
        folder / "offenders.parquet",
    )
    failed = [outcome.severity for _, outcome in judged if not outcome.success]
    return {"expectations": len(judged), "failed": {severity: failed.count(severity) for severity in SEVERITIES}}


def _write(table: Table, rows: list[dict[str, object]], path: Path) -> None:
    table.write(pd.DataFrame(rows, columns=table.column_names), path)
