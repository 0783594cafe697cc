"""The doors of the validate step: one validates, one is the gate."""

import pandas as pd
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.door import as_state, step_task
from tasks.store import ArtifactRef, open_ledger
from tasks.tables import RESULTS
from tasks.validate.gate import check_gate, failures
from tasks.validate.settings import StopAt, ValidationSettings
from tasks.validate.step import validate_catalog


@step_task(name="validate")
def validate_task(catalog: ArtifactRef, settings: ValidationSettings) -> ArtifactRef:
    """Check the training photos of the catalog against every suite, and show what failed."""
    ledger = open_ledger()
    artifact = validate_catalog(ledger, ledger.get(catalog), settings)
    results = RESULTS.read(artifact.path("results.parquet"))
    create_table_artifact(failure_table(results), key="validation-failures", description="Expectations that failed")
    verdict = verdict_of(results, artifact.url("data_docs/index.html"))
    create_markdown_artifact(verdict, key="validation-report", description="How the data was, and its Data Docs")
    return as_state(artifact)


@step_task(name="gate")
def gate_task(validation: ArtifactRef, stop_at: StopAt) -> None:
    """Stop the flow if an expectation failed that is as severe as `stop_at`, or more: raises GateError."""
    artifact = open_ledger().get(validation)
    check_gate(RESULTS.read(artifact.path("results.parquet")), stop_at, artifact.url("data_docs/index.html"))


def failure_table(results: pd.DataFrame) -> list[dict[str, object]]:
    """Failed expectations as rows of a Prefect table, the most severe first."""
    columns = ["severity", "suite", "expectation", "unexpected", "checked", "unit", "message"]
    return [{str(name): value for name, value in row.items()} for row in failures(results)[columns].to_dict("records")]


def verdict_of(results: pd.DataFrame, report: str) -> str:
    """Markdown that says how the validation ended and where its Data Docs lie."""
    failed = int((~results["success"]).sum())
    return f"{failed} of {len(results)} expectations failed.\n\nData Docs: `{report}`"
