"""Noting in the ledger, and telling Prefect, what the steps of a flow run use and make."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from pydantic import JsonValue

from flows.champion import Crowning
from tasks.door import REUSED
from tasks.errors import GateError, StoreUnavailableError
from tasks.patience import patiently
from tasks.progress import say
from tasks.store import ArtifactRef, Backend, open_ledger
from tasks.store.runs import Run, recorded_run
from tasks.validate.settings import ARTIFACTS, StopAt
from tasks.validate.task import gate_task

GATE_STOPPED = "foldline.gate.stopped"
CHAMPION_REPLACED = "foldline.champion.replaced"
"""Events that automations tell people of; what to say is in the payload, as ``why``."""

FETCHED = {
    "report": "foldline link {run} report.html",
    "submission": "foldline get {run} submission.csv",
    **{name: f"foldline get {{run}} {name}/data_docs" for name in ARTIFACTS.values()},
}
"""How to fetch what people look at most, by the artifact that has it."""


@contextmanager
def shown_run(backend: Backend, flow: str, experiment: str, settings: dict[str, JsonValue], data: str) -> Iterator[Run]:
    """A `recorded_run` whose page in Prefect says, however it has ended, where to find what it has made."""
    run: Run | None = None
    try:
        with recorded_run(backend, flow, experiment, settings, data) as run:
            yield run
    finally:
        if run:
            _show(results_page(run, backend.url))


def _show(page: str) -> None:
    try:
        create_markdown_artifact(page, key="results", description="How to fetch what the run has made")
    except Exception as error:  # whatever it is, it must neither end a run that has gone well, nor hide why one has not
        say(f"Prefect cannot show the results: {error}")


def results_page(run: Run, store: str) -> str:
    """Scores of a run, and commands that fetch what it has made.

    A page in Prefect cannot link to a folder or a bucket, and a link that opens a bucket to whoever reads it does not
    belong on a page that is kept for months.
    """
    name, scores = run.start.run, run.scores
    scored = f"Macro F1 {scores['macro_f1']:.4f}, {scores['shifted_f1']:.4f} under shifted shares. " if scores else ""
    files = [command.format(run=name) for artifact, command in FETCHED.items() if artifact in run.artifacts]
    commands = [f"export FOLDLINE_STORE={shlex.quote(store)}", *files, f"foldline show {name}"]
    listed = "\n".join(commands)
    return f"{scored}To fetch what the run has made, wherever Foldline reaches its store:\n\n```\n{listed}\n```"


def keep(run: Run, name: str, state: State[ArtifactRef]) -> ArtifactRef:
    """The artifact that a step ended with, noted in the run under `name`. Raises what the step raised."""
    ref = state.result()
    reused = state.name == REUSED
    run.keep(name, ref, reused=reused)
    say(f"{name}: {'reused' if reused else 'done'}")
    return ref


def keep_valid(run: Run, name: str, state: State[ArtifactRef], stop_at: StopAt) -> None:
    """Note a validation in the run; raise GateError, and tell of it, if what was validated is too bad to go on."""
    validation = keep(run, name, state)
    try:
        gate_task(validation, stop_at)
    except GateError as error:
        emit_event(GATE_STOPPED, {"prefect.resource.id": "foldline.gate"}, payload={"why": str(error)})
        raise


def note_scores(run: Run, ensemble: ArtifactRef) -> None:
    """Note in the run what its ensemble scored."""
    summary = patiently(partial(open_ledger().get, ensemble), StoreUnavailableError).manifest.summary
    run.scores["macro_f1"] = cast("float", summary["macro_f1"])
    run.scores["shifted_f1"] = cast("float", summary["shifted_macro_f1"])


def announce(crowning: Crowning | None) -> None:
    """Tell of a new champion, if there is one."""
    if crowning:
        say(str(crowning))
        emit_event(
            CHAMPION_REPLACED,
            {"prefect.resource.id": "foldline.champion", "prefect.resource.name": crowning.run},
            payload={**crowning.model_dump(), "why": str(crowning)},
        )
