"""The catalog of a run's data."""

from flows.params import DataParams
from flows.recording import keep
from tasks.catalog.task import catalog_task
from tasks.corrections.task import corrections_task
from tasks.store import ArtifactRef
from tasks.store.runs import Run


def keep_catalog(run: Run, params: DataParams) -> ArtifactRef:
    """The catalog of the data, with corrected labels if there are corrections; both are noted in the run."""
    corrections = None
    if params.corrections is not None:
        corrections = keep(run, "corrections", corrections_task(params.corrections, return_state=True))
    return keep(run, "catalog", catalog_task(params.data, corrections, return_state=True))
