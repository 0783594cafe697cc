"""The door of the folds step."""

from prefect import get_run_logger

from tasks.door import as_state, step_task
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import LEAK_WARNING, make_folds
from tasks.store import ArtifactRef, open_ledger


@step_task(name="folds")
def folds_task(catalog: ArtifactRef, settings: FoldsSettings) -> ArtifactRef:
    """Deal the persons of the catalog out to folds of like class shares."""
    if settings.by == "photo":
        get_run_logger().warning(LEAK_WARNING)
    ledger = open_ledger()
    return as_state(make_folds(ledger, ledger.get(catalog), settings))
