"""The doors of the validate step: one for each subject, and the gate."""

import pandas as pd
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.data_folder import open_data
from tasks.door import as_state, step_task
from tasks.store import Artifact, ArtifactRef, open_ledger
from tasks.tables import RESULTS
from tasks.validate.gate import check_gate, failures
from tasks.validate.settings import StopAt, Subject, SuiteSettings
from tasks.validate.step import (
    validate_data,
    validate_drift,
    validate_faces,
    validate_folds,
    validate_submission,
)
from tasks.validate.tables import Shares


@step_task(name="validate")
def validate_data_task(data: str, catalog: ArtifactRef, settings: SuiteSettings) -> ArtifactRef:
    """Check the photos of the catalog and their labels, and show what failed."""
    ledger = open_ledger()
    return _shown("data", validate_data(ledger, open_data(data), ledger.get(catalog), settings))


@step_task(name="validate-drift")
def validate_drift_task(
    data: str, catalog: ArtifactRef, reference: ArtifactRef | Shares, settings: SuiteSettings
) -> ArtifactRef:
    """Check the catalog beside an earlier one, or beside mere shares, and show what failed."""
    ledger = open_ledger()
    known = ledger.get(reference) if isinstance(reference, ArtifactRef) else reference
    return _shown("drift", validate_drift(ledger, open_data(data), ledger.get(catalog), known, settings))


@step_task(name="validate-faces")
def validate_faces_task(data: str, catalog: ArtifactRef, boxes: ArtifactRef, settings: SuiteSettings) -> ArtifactRef:
    """Check the boxes of the catalog's photos, and show what failed."""
    ledger = open_ledger()
    validation = validate_faces(ledger, open_data(data), ledger.get(catalog), ledger.get(boxes), settings)
    return _shown("faces", validation)


@step_task(name="validate-folds")
def validate_folds_task(data: str, catalog: ArtifactRef, folds: ArtifactRef, settings: SuiteSettings) -> ArtifactRef:
    """Check the folds of the catalog's photos, and show what failed."""
    ledger = open_ledger()
    validation = validate_folds(ledger, open_data(data), ledger.get(catalog), ledger.get(folds), settings)
    return _shown("folds", validation)


@step_task(name="validate-submission")
def validate_submission_task(catalog: ArtifactRef, submission: ArtifactRef, settings: SuiteSettings) -> ArtifactRef:
    """Check the submission, and show what failed."""
    ledger = open_ledger()
    return _shown("submission", validate_submission(ledger, ledger.get(catalog), ledger.get(submission), settings))


def _shown(subject: Subject, artifact: Artifact) -> ArtifactRef:
    """Show on the run's page how a validation ended."""
    results = RESULTS.read(artifact.path("results.parquet"))
    key = f"validation-of-{subject}"
    create_table_artifact(failure_table(results), key=f"{key}-failures", description="Expectations that failed")
    verdict = verdict_of(results, artifact.url("data_docs/index.html"))
    create_markdown_artifact(verdict, key=key, description="How the validation ended, and its Data Docs")
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
