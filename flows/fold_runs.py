"""Training the folds of a retrain: in its own process, or each as a run of its own that a worker takes.

A run on a worker is known by the artifact that it is to make. Whoever wants that artifact waits for the run that makes
it, so a retrain that was killed and resumed finds its folds where it left them; a run that is lost is followed by
another, which goes on from the last epoch.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar, cast
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelling, Completed
from prefect.utilities.urls import url_for

from flows.plan import PlanningLedger
from flows.train_fold import SICK_DEVICE, train_fold
from tasks.door import REUSED
from tasks.errors import WorkerError
from tasks.patience import patiently, pauses
from tasks.progress import say
from tasks.store import Artifact, ArtifactRef, open_ledger
from tasks.training.settings import TrainingSettings
from tasks.training.step import train_fold as make_fold_model

WHERE = "FOLDLINE_FOLDS"
"""The variable that says where folds are trained: `workers`, or else here, one after another."""
DEPLOYMENT = "train-fold/train-fold"
ATTEMPTS = 4
"""Runs that a fold may take: the first, and those that follow if their worker is lost or its GPU is sick."""
FIRST_PAUSE = 5.0
"""Seconds before the second of them, doubled before each that follows."""
LOOK_EVERY = 2.0
"""Seconds between two looks at all runs, one request each time."""
REMEMBERED = 100
"""Attempts at one artifact, of all time, among which the newest is looked for."""
ALIVE = {StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING}

Result = TypeVar("Result")


@dataclass(frozen=True)
class FoldCall:
    """What `train-fold` is called with."""

    catalog: ArtifactRef
    crops: ArtifactRef
    folds: ArtifactRef
    fold: int
    settings: TrainingSettings

    def train_here(self) -> State[ArtifactRef]:
        """Train in this process; returns the state that it ended with."""
        return train_fold(self.catalog, self.crops, self.folds, self.fold, self.settings, return_state=True)

    def model(self) -> Artifact:
        """The fold model from the store, or the draft of what a worker is to make."""
        ledger = PlanningLedger(open_ledger().backend)
        catalog, crops, folds = (ledger.get(ref) for ref in (self.catalog, self.crops, self.folds))
        return make_fold_model(ledger, catalog, crops, folds, self.fold, self.settings)

    def parameters(self) -> dict[str, object]:
        """As a run of the deployment wants them."""
        refs = {"catalog": self.catalog, "crops": self.crops, "folds": self.folds}
        dumped = {name: ref.model_dump(mode="json") for name, ref in refs.items()}
        return {**dumped, "fold": self.fold, "settings": self.settings.model_dump(mode="json")}


def train_folds(calls: Sequence[FoldCall]) -> Iterator[tuple[int, State[ArtifactRef]]]:
    """Train the models of folds; yields the number of each and the state it ended with, as they end.

    Raises:
        WorkerError: workers could not train some of them; the others have ended.
    """
    if os.environ.get(WHERE) == "workers":
        yield from _train_on_workers(calls)
    else:
        for call in calls:
            yield call.fold, call.train_here()


def _train_on_workers(calls: Sequence[FoldCall]) -> Iterator[tuple[int, State[ArtifactRef]]]:
    models = {call.fold: call.model() for call in calls}
    waiting: dict[UUID, FoldCall] = {}
    attempts, failures = Counter[int](), list[str]()
    try:
        for call in calls:
            if models[call.fold].reused:
                yield call.fold, _ended(REUSED, models[call.fold].ref)
            else:
                waiting[_run(call, models[call.fold].ref)] = call
        while waiting:
            time.sleep(LOOK_EVERY)
            for run in _ended_runs(list(waiting)):
                call, state = waiting.pop(run.id), cast("State[object]", run.state)
                attempts[call.fold] += 1
                if state.is_completed():
                    yield call.fold, _ended(cast("str", state.name), _made(call, models[call.fold].ref, run))
                elif _another_may_do(state) and attempts[call.fold] < ATTEMPTS:
                    say(f"Fold {call.fold} is tried again: {_told(run)}")
                    waiting[_run(call, models[call.fold].ref, attempts[call.fold])] = call
                else:
                    failures.append(_told(run))
    except Exception:
        _cancel(waiting)
        raise
    if failures:
        listed = "\n".join(f"  - {failure}" for failure in failures)
        raise WorkerError(
            f"{len(failures)} of {len(calls)} folds could not be trained; the others are in the store.\n{listed}\n"
            "Mend that, then start a new run: it trains only what is missing."
        )


def _run(call: FoldCall, model: ArtifactRef, attempts: int = 0) -> UUID:
    """The run that is to make `model`: one that is under way, or a new one, later if there were `attempts`."""
    known = _patiently(partial(_attempts_at, model))
    alive = [run for run in known.values() if run.state_type in ALIVE]
    if alive:
        return alive[-1].id
    pause = list(pauses(first=FIRST_PAUSE))[attempts - 1] if attempts else 0.0
    new = partial(
        run_deployment,
        DEPLOYMENT,
        parameters=call.parameters(),
        idempotency_key=_key(model, max(known, default=0) + 1),
        scheduled_time=datetime.now(UTC) + timedelta(seconds=pause),
        timeout=0,
    )
    return _patiently(lambda: cast("FlowRun", new())).id


def _attempts_at(model: ArtifactRef) -> dict[int, FlowRun]:
    """Every run of `train-fold` that was to make `model`, by its number, oldest first."""
    numbers = {_key(model, number): number for number in range(1, REMEMBERED)}
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=list(numbers)))
    with get_client(sync_client=True) as client:
        runs = {numbers[str(run.idempotency_key)]: run for run in client.read_flow_runs(flow_run_filter=wanted)}
    return dict(sorted(runs.items()))


def _key(model: ArtifactRef, number: int) -> str:
    """Prefect makes one run a key, and never another: a further attempt needs a number of its own."""
    return f"{model}/{number}"


def _ended_runs(runs: list[UUID]) -> list[FlowRun]:
    """Those of the runs that have ended, however they did."""
    with get_client(sync_client=True) as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=runs))
        found = _patiently(partial(client.read_flow_runs, flow_run_filter=wanted))
    return [run for run in found if run.state and run.state.is_final()]


def _made(call: FoldCall, model: ArtifactRef, run: FlowRun) -> ArtifactRef:
    """The model that a run was to make. Raises WorkerError if it has made another."""
    if not call.model().reused:
        raise WorkerError(
            f"The worker of {url_for(run)} has made another model than was asked for, {model}: it has another store, "
            "another Foldline or other versions of its libraries. Let all workers run the same."
        )
    return model


def _another_may_do(state: State[object]) -> bool:
    """Whether another worker may do better: this one was lost, or its GPU is sick."""
    return state.is_crashed() or state.name == SICK_DEVICE


def _ended(name: str, model: ArtifactRef) -> State[ArtifactRef]:
    return Completed(name=name, data=model)


def _told(run: FlowRun) -> str:
    """How a run ended, and where to read more."""
    state = cast("State[object]", run.state)
    return f"{run.name} {state.name}: {state.message or 'no reason given'} ({url_for(run)})"


def _cancel(runs: dict[UUID, FoldCall]) -> None:
    """Cancel runs that nobody waits for any more, as this one fails; if a person cancels it, Prefect does so."""
    with get_client(sync_client=True) as client:
        for run in runs:
            with suppress(HTTPError, PrefectHTTPStatusError):
                client.set_flow_run_state(run, Cancelling(message="The retrain that wanted it has failed."))


def _patiently(request: Callable[[], Result]) -> Result:
    """What the server answers, which may be restarted just now."""
    return patiently(request, (HTTPError, PrefectHTTPStatusError))
