"""The door of the faces step."""

from prefect.artifacts import create_table_artifact

from tasks.data_folder import open_data
from tasks.door import as_state, reporting_to_prefect, step_task
from tasks.faces.settings import FacesSettings
from tasks.faces.step import find_boxes
from tasks.store import ArtifactRef, open_ledger


@step_task(name="faces")
def faces_task(data: str, catalog: ArtifactRef, settings: FacesSettings) -> ArtifactRef:
    """Find the face on every photo of the catalog; who finds none gets the default box."""
    ledger = open_ledger()
    with reporting_to_prefect("faces-progress"):
        artifact = find_boxes(ledger, open_data(data), ledger.get(catalog), settings)
    counts = artifact.manifest.summary["photos_by_source"]
    if isinstance(counts, dict):
        rows = [{"source": name, "photos": count} for name, count in counts.items()]
        create_table_artifact(rows, key="faces", description="Who found the box of how many photos")
    return as_state(artifact)
