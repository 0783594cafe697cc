"""The door of the prepare step."""

from tasks.data_folder import open_data
from tasks.door import as_state, reporting_to_prefect, step_task
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.step import make_crops
from tasks.store import ArtifactRef, open_ledger


@step_task(name="prepare")
def prepare_task(data: str, catalog: ArtifactRef, boxes: ArtifactRef, settings: PrepareSettings) -> ArtifactRef:
    """Cut every box out of its photo and resize it, once, into shards that training reads."""
    ledger = open_ledger()
    with reporting_to_prefect("prepare-progress"):
        return as_state(make_crops(ledger, open_data(data), ledger.get(catalog), ledger.get(boxes), settings))
