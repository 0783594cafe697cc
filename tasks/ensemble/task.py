"""The doors of the ensemble step: one blends the folds of a run, one the ensembles of several."""

from tasks.door import as_state, step_task
from tasks.ensemble.step import blend_ensembles, blend_folds
from tasks.store import ArtifactRef, open_ledger


@step_task(name="ensemble")
def ensemble_task(catalog: ArtifactRef, folds: ArtifactRef, models: list[ArtifactRef]) -> ArtifactRef:
    """Join the folds' out-of-fold probabilities, and let the fold models vote on the evaluation photos."""
    ledger = open_ledger()
    return as_state(blend_folds(ledger, ledger.get(catalog), ledger.get(folds), [ledger.get(m) for m in models]))


@step_task(name="ensembles")
def ensembles_task(catalog: ArtifactRef, ensembles: list[ArtifactRef]) -> ArtifactRef:
    """Let the ensembles of several runs vote."""
    ledger = open_ledger()
    return as_state(blend_ensembles(ledger, ledger.get(catalog), [ledger.get(part) for part in ensembles]))
