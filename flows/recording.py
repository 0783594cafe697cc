"""Noting in the ledger what the steps of a flow run use and make."""

from prefect.client.schemas.objects import State

from tasks.door import REUSED
from tasks.progress import say
from tasks.store import ArtifactRef
from tasks.store.runs import Run


def keep(run: Run, name: str, state: State[ArtifactRef]) -> ArtifactRef:
    """The artifact that a step ended with, noted in the run under `name`. Raises what the step raised."""
    ref = state.result()
    reused = state.name == REUSED
    run.keep(name, ref, reused=reused)
    say(f"{name}: {'reused' if reused else 'done'}")
    return ref
