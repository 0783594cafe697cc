"""The step's doors."""

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.data_folder import open_data
from tasks.door import as_state, step_task
from tasks.report.step import make_faces_report, make_report
from tasks.store import Artifact, ArtifactRef, open_ledger


@step_task(name="report")
def report_task(data: str, artifacts: dict[str, ArtifactRef], experiment: str) -> ArtifactRef:
    """Write the page about a run, and show its scores."""
    ledger = open_ledger()
    made = {name: ledger.get(ref) for name, ref in artifacts.items()}
    report = make_report(ledger, open_data(data), made, experiment)
    _show_place(report, f"The report of {experiment}")
    create_table_artifact(score_table(report), key="scores", description=f"Out-of-fold scores of {experiment}")
    return as_state(report)


@step_task(name="report-faces")
def report_faces_task(data: str, catalog: ArtifactRef, faces: ArtifactRef, experiment: str) -> ArtifactRef:
    """Write the page about the faces that were found."""
    ledger = open_ledger()
    report = make_faces_report(ledger, open_data(data), ledger.get(catalog), ledger.get(faces), experiment)
    _show_place(report, "The faces that were found")
    return as_state(report)


def _show_place(report: Artifact, description: str) -> None:
    create_markdown_artifact(f"`{report.url('report.html')}`", key="report", description=description)


def score_table(report: Artifact) -> list[dict[str, object]]:
    """Scores as rows of a Prefect table: by fold, and of all folds together."""
    scores = report.manifest.summary["scores"]
    return [dict(row) for row in scores if isinstance(row, dict)] if isinstance(scores, list) else []
