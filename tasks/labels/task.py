"""The step's door."""

from prefect.artifacts import create_table_artifact

from tasks.door import as_state, step_task
from tasks.labels.step import find_suspects
from tasks.store import Artifact, ArtifactRef, open_ledger
from tasks.tables import SUSPECTS

SHOWN = 20
"""Suspects in the table that Prefect shows; the artifact has all."""


@step_task(name="labels")
def labels_task(catalog: ArtifactRef, ensemble: ArtifactRef) -> ArtifactRef:
    """Find the labels that the out-of-fold probabilities doubt."""
    ledger = open_ledger()
    suspects = find_suspects(ledger, ledger.get(catalog), ledger.get(ensemble))
    _show(suspects)
    return as_state(suspects)


def _show(suspects: Artifact) -> None:
    table = SUSPECTS.read(suspects.path("suspects.parquet"))
    shown = table.head(SHOWN).round({"confidence": 3})
    rows = [dict(zip(SUSPECTS.column_names, row, strict=True)) for row in shown.to_numpy().tolist()]
    create_table_artifact(rows, key="suspects", description=f"{len(table)} labels in doubt, the most doubtful first")
