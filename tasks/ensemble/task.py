"""The door of the ensemble step."""

from prefect import task

from tasks.door import as_state
from tasks.ensemble.step import blend_folds
from tasks.store import ArtifactRef, open_ledger


@task(name="ensemble")
def ensemble_task(catalog: ArtifactRef, folds: ArtifactRef, models: list[ArtifactRef]) -> ArtifactRef:
    """Join the folds' out-of-fold probabilities, and let the fold models vote on the evaluation photos."""
    ledger = open_ledger()
    return as_state(blend_folds(ledger, ledger.get(catalog), ledger.get(folds), [ledger.get(m) for m in models]))
