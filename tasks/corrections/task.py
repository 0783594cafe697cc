"""The step's door."""

from prefect.artifacts import create_table_artifact

from tasks.corrections.step import make_corrections
from tasks.door import as_state, step_task
from tasks.store import ArtifactRef, open_ledger
from tasks.tables import CORRECTIONS


@step_task(name="corrections")
def corrections_task(source: str) -> ArtifactRef:
    """Read and check a corrections file: a path, a URL of a bucket, or the name of one that ships with Foldline."""
    corrections = make_corrections(open_ledger(), source)
    table = CORRECTIONS.read(corrections.path("corrections.parquet"))
    rows = [dict(zip(CORRECTIONS.column_names, row, strict=True)) for row in table.to_numpy().tolist()]
    create_table_artifact(rows, key="corrections", description=f"{len(rows)} labels that are corrected")
    return as_state(corrections)
