"""Training the folds of a retrain: in its own process, or each as a run of its own that a worker takes.

A run on a worker is known by the artifact that it is to make. Whoever wants that artifact waits for the run that makes
it, so a retrain that was killed and resumed finds its folds where it left them; a run that is lost is followed by
another, which goes on from the last epoch.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar, cast
from uuid import UUID

from httpx import HTTPError, TransportError
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelling, Completed
from prefect.utilities.urls import url_for

from flows.plan import PlanningLedger
from flows.train_fold import SICK_DEVICE, train_fold
from tasks.door import REUSED
from tasks.errors import StoreUnavailableError, WorkerError
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
PASSING = {408, 429}
"""Answers of a server, besides those from 500 on, that will be others later."""

Result = TypeVar("Result")


class ServerAwayError(Exception):
    """Prefect's server, or a gateway before it, is not able to answer now."""


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
        return patiently(self._model, StoreUnavailableError)

    def _model(self) -> Artifact:
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
        WorkerError: workers could not train some of them; the others are in the store. Or a worker has other code.
    """
    if os.environ.get(WHERE) == "workers":
        yield from _train_on_workers(calls)
    else:
        for call in calls:
            yield call.fold, call.train_here()


def _train_on_workers(calls: Sequence[FoldCall]) -> Iterator[tuple[int, State[ArtifactRef]]]:
    waiting = _Waiting()
    failures = list[str]()
    try:
        for call in calls:
            model = call.model()
            if model.reused:
                yield call.fold, Completed(name=REUSED, data=model.ref)
            else:
                waiting.start(_Wanted(call, model.ref))
        while waiting.runs:
            time.sleep(LOOK_EVERY)
            for wanted, run in waiting.ended():
                if run and run.state and run.state.is_completed():
                    yield wanted.call.fold, Completed(name=run.state.name, data=_made(wanted, run))
                elif wanted.attempts < ATTEMPTS and (run is None or _another_may_do(run, wanted)):
                    say(f"Fold {wanted.call.fold} is tried again: {_told(run)}")
                    waiting.start(wanted)
                else:
                    failures.append(f"fold {wanted.call.fold}: {_told(run)}")
    except Exception:
        waiting.cancel()
        raise
    if failures:
        listed = "\n".join(f"  - {failure}" for failure in failures)
        raise WorkerError(
            f"{len(failures)} of {len(calls)} folds could not be trained; the others are in the store.\n{listed}\n"
            "Mend that, then start a new run: it trains only what is missing."
        )


@dataclass
class _Wanted:
    """A fold model that workers are to make."""

    call: FoldCall
    model: ArtifactRef
    attempts: int = 0
    """Runs that this retrain has waited for."""
    ours: bool = False
    """Whether this retrain has started the present one, and not found it under way."""


class _Waiting:
    """The runs that are waited for."""

    def __init__(self) -> None:
        self.runs: dict[UUID, _Wanted] = {}

    def start(self, wanted: _Wanted) -> None:
        """Wait for the run that is under way to make it, or else for a new one, later if there have been attempts."""
        known = _patiently(partial(_attempts_at, wanted.model))
        alive = [run for run in known.values() if run.state_type in ALIVE]
        wanted.ours = not alive
        run = alive[-1] if alive else _patiently(partial(_new_run, wanted, max(known, default=0) + 1))
        wanted.attempts += 1
        self.runs[run.id] = wanted

    def ended(self) -> Iterator[tuple[_Wanted, FlowRun | None]]:
        """What is no longer waited for, with its run, however that has ended; None if it was deleted."""
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(self.runs)))
        with get_client(sync_client=True) as client:
            found = {run.id: run for run in _patiently(partial(client.read_flow_runs, flow_run_filter=wanted))}
        for number in [number for number in self.runs if number not in found or _is_final(found[number])]:
            yield self.runs.pop(number), found.get(number)

    def cancel(self) -> None:
        """Cancel what this retrain has started, as it fails; if a person cancels it, Prefect does so."""
        with get_client(sync_client=True) as client:
            for number in [number for number, wanted in self.runs.items() if wanted.ours]:
                with suppress(HTTPError, PrefectHTTPStatusError, ObjectNotFound):
                    client.set_flow_run_state(number, Cancelling(message="The retrain that wanted it has failed."))


def _new_run(wanted: _Wanted, number: int) -> FlowRun:
    """A new run of `train-fold`. Raises WorkerError if the server does not know it."""
    pause = list(pauses(first=FIRST_PAUSE))[wanted.attempts - 1] if wanted.attempts else 0.0
    try:
        run = run_deployment(
            DEPLOYMENT,
            parameters=wanted.call.parameters(),
            idempotency_key=_key(wanted.model, number),
            scheduled_time=datetime.now(UTC) + timedelta(seconds=pause),
            timeout=0,
        )
    except ObjectNotFound as error:
        raise WorkerError(f"The server has no deployment {DEPLOYMENT}. Run `foldline deploy`.") from error
    return cast("FlowRun", run)


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


def _is_final(run: FlowRun) -> bool:
    return bool(run.state and run.state.is_final())


def _made(wanted: _Wanted, run: FlowRun) -> ArtifactRef:
    """The model that a run was to make. Raises WorkerError if it has made another."""
    if not wanted.call.model().reused:
        raise WorkerError(
            f"The worker of {url_for(run)} has made another model than was asked for, {wanted.model}: it has another "
            "store, another Foldline or other versions of its libraries. Let all workers run the same."
        )
    return wanted.model


def _another_may_do(run: FlowRun, wanted: _Wanted) -> bool:
    """Whether a further run may do better than one that was lost, had a sick GPU, or was cancelled with its retrain."""
    state = cast("State[object]", run.state)
    return state.is_crashed() or state.name == SICK_DEVICE or (state.is_cancelled() and not wanted.ours)


def _told(run: FlowRun | None) -> str:
    """How a run ended, and where to read more."""
    if run is None:
        return "its run was deleted"
    state = cast("State[object]", run.state)
    return f"{run.name} {state.name}: {state.message or 'no reason given'} ({url_for(run)})"


def _patiently(request: Callable[[], Result]) -> Result:
    """What the server answers, which may be restarted just now."""

    def attempt() -> Result:
        try:
            return request()
        except PrefectHTTPStatusError as error:
            if error.response.status_code in PASSING or error.response.status_code >= 500:
                raise ServerAwayError(str(error)) from error
            raise

    return patiently(attempt, (TransportError, ServerAwayError))
