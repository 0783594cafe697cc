"""The door of the validate step."""

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State

from tasks.door import as_state
from tasks.store import ArtifactRef, open_ledger
from tasks.tables import RESULTS
from tasks.validate.gate import check_gate, failures
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_catalog


@task(name="validate")
def validate_data(catalog: ArtifactRef, settings: ValidationSettings) -> State[ArtifactRef]:
    """Check the training photos' labels and classes; stop the flow at failures as severe as `settings.stop_at`."""
    ledger = open_ledger()
    artifact = validate_catalog(ledger, ledger.get(catalog), settings)
    results = RESULTS.read(artifact.path("results.parquet"))
    report = artifact.url("data_docs/index.html")
    create_table_artifact(failure_table(results), key="validation-failures", description="Expectations that failed")
    create_markdown_artifact(report_link(results, report), key="validation-report")
    check_gate(results, settings.stop_at, report)
    return as_state(artifact)


def failure_table(results: pd.DataFrame) -> list[dict[str, str | int]]:
    """Failed expectations as rows of a Prefect table, the most severe first."""
    columns = ["severity", "suite", "expectation", "unexpected", "checked", "unit", "message"]
    return [{str(name): value for name, value in row.items()} for row in failures(results)[columns].to_dict("records")]


def report_link(results: pd.DataFrame, report: str) -> str:
    """Markdown that says how the validation ended and where its Data Docs lie."""
    failed = int((~results["success"]).sum())
    return f"{failed} of {len(results)} expectations failed.\n\n[Data Docs](<{report}>): `{report}`"
