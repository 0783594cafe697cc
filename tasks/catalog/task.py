"""The catalog's door."""

from prefect.artifacts import create_table_artifact

from tasks.catalog.step import make_catalog
from tasks.data_folder import open_data
from tasks.door import as_state, figure_table, reporting_to_prefect, step_task
from tasks.store import ArtifactRef, open_ledger


@step_task(name="catalog")
def catalog_task(data: str, corrections: ArtifactRef | None = None) -> ArtifactRef:
    """List, check and measure every photo of the data folder `data`; correct its labels, if there are corrections."""
    ledger = open_ledger()
    right = ledger.get(corrections) if corrections else None
    with reporting_to_prefect("catalog-progress"):
        artifact = make_catalog(ledger, open_data(data), right)
    rows = figure_table(artifact.manifest.summary)
    create_table_artifact(rows, key="catalog", description="What is in the data folder")
    return as_state(artifact)
