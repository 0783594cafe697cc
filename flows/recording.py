"""Noting in the ledger, and telling Prefect, what the steps of a flow run use and make."""

from typing import cast

from prefect.client.schemas.objects import State
from prefect.events import emit_event

from flows.champion import Crowning
from tasks.door import REUSED
from tasks.errors import GateError
from tasks.progress import say
from tasks.store import Artifact, ArtifactRef
from tasks.store.runs import Run
from tasks.validate.settings import StopAt
from tasks.validate.task import gate_task

GATE_STOPPED = "foldline.gate.stopped"
CHAMPION_REPLACED = "foldline.champion.replaced"
"""Events that automations tell people of; what to say is in the payload, as ``why``."""


def keep(run: Run, name: str, state: State[ArtifactRef]) -> ArtifactRef:
    """The artifact that a step ended with, noted in the run under `name`. Raises what the step raised."""
    ref = state.result()
    reused = state.name == REUSED
    run.keep(name, ref, reused=reused)
    say(f"{name}: {'reused' if reused else 'done'}")
    return ref


def pass_gate(validation: ArtifactRef, stop_at: StopAt) -> None:
    """Raise GateError, and tell of it, if the data is too bad to go on."""
    try:
        gate_task(validation, stop_at)
    except GateError as error:
        emit_event(GATE_STOPPED, {"prefect.resource.id": "foldline.gate"}, payload={"why": str(error)})
        raise


def note_scores(run: Run, ensemble: Artifact) -> None:
    """Note in the run what its ensemble scored."""
    run.scores["macro_f1"] = cast("float", ensemble.manifest.summary["macro_f1"])
    run.scores["shifted_f1"] = cast("float", ensemble.manifest.summary["shifted_macro_f1"])


def announce(crowning: Crowning | None) -> None:
    """Tell of a new champion, if there is one."""
    if crowning:
        say(str(crowning))
        emit_event(
            CHAMPION_REPLACED,
            {"prefect.resource.id": "foldline.champion", "prefect.resource.name": crowning.run},
            payload={**crowning.model_dump(), "why": str(crowning)},
        )
