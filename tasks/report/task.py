"""The step's door."""

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.door import as_state, step_task
from tasks.report.step import make_report
from tasks.store import Artifact, ArtifactRef, open_ledger


@step_task(name="report")
def report_task(artifacts: dict[str, ArtifactRef], experiment: str) -> ArtifactRef:
    """Write the page about a run, and show its scores."""
    ledger = open_ledger()
    report = make_report(ledger, {name: ledger.get(ref) for name, ref in artifacts.items()}, experiment)
    create_markdown_artifact(f"`{report.url('report.html')}`", key="report", description=f"The report of {experiment}")
    create_table_artifact(score_table(report), key="scores", description=f"Out-of-fold scores of {experiment}")
    return as_state(report)


def score_table(report: Artifact) -> list[dict[str, object]]:
    """Scores as rows of a Prefect table: by fold, and of all folds together."""
    scores = report.manifest.summary["scores"]
    return [dict(row) for row in scores if isinstance(row, dict)] if isinstance(scores, list) else []
