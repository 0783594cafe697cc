"""What the doors of all steps share: artifacts become states of Prefect tasks, and Prefect hears how far steps are."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from httpx import TransportError
from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff
from pydantic import JsonValue

from tasks.errors import StoreUnavailableError
from tasks.progress import Advance, Reporter, current_reporter, reporting_to
from tasks.store import Artifact, ArtifactRef

REUSED = "Reused"
"""Name of the state of a task that found its artifact in the store and computed nothing."""
SEND_EVERY = 5.0
"""Seconds between two updates of a progress artifact: each is a request, and a server on SQLite stalls under many."""
LOG_EVERY = 30.0
"""Seconds between two log lines about the same step's progress."""
P = ParamSpec("P")
R = TypeVar("R")

RETRIES = 6
FIRST_PAUSE, JITTER = 5, 0.5
"""Seconds before the first retry, doubled before each that follows, some 5 minutes in all; and by which share of itself
each is varied, so that many workers do not all come back at once."""
Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


def _may_be_tried_again(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Whether the same may go well later: only if the store, or Prefect's server, could not be reached.

    Bad data and bugs stay what they are.
    """
    error = state.result(raise_on_failure=False)
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= 500  # as where its database is away
    return isinstance(error, StoreUnavailableError | TransportError)


def step_task(name: str, task_run_name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """The decorator of a step's door: a Prefect task that is tried again where that can help.

    What it repeats is only what the ledger lacks.
    """
    return task(
        name=name,
        task_run_name=task_run_name,
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(FIRST_PAUSE),
        retry_jitter_factor=JITTER,
        retry_condition_fn=_may_be_tried_again,
    )


def as_state(artifact: Artifact) -> ArtifactRef:
    """What a door returns for `artifact`: a completed state, whose name says whether any work was done.

    Whoever calls the task gets the reference, as Prefect unwraps a state that a task returns; hence the type.
    """
    name = REUSED if artifact.reused else "Completed"
    return cast("ArtifactRef", Completed(name=name, message=str(artifact.ref), data=artifact.ref))


def figure_table(figures: Mapping[str, JsonValue]) -> list[dict[str, str]]:
    """Figures of an artifact as rows of a Prefect table, one each: ``photos, train`` where one has parts."""
    flat: dict[str, JsonValue] = {}
    for name, value in figures.items():
        flat |= {f"{name}, {part}": v for part, v in value.items()} if isinstance(value, dict) else {name: value}
    return [{"figure": name.replace("_", " "), "value": str(value)} for name, value in flat.items()]


@contextmanager
def reporting_to_prefect(key: str) -> Iterator[None]:
    """Let Prefect hear too how far the step inside the block is, in its task's log and as the progress artifact `key`.

    The artifact is that of the whole block and shows the present stretch: its share done, and in the description its
    name, such as "Fold 0, epoch 3 of 10", and latest note. Only a step knows how long its other stretches will take, so
    one that wants the whole shown works in one stretch. There is no artifact if nothing had to be done.

    Whatever becomes of Prefect's server, the step goes on.
    """
    log = get_run_logger()
    reporter, ended = _PrefectReporter(current_reporter(), log), Event()
    # A server that is slow or away then never keeps the step waiting; the context says which task run it is.
    sender = Thread(target=copy_context().run, args=(_send_until, ended, reporter, key, log), daemon=True)
    sender.start()
    try:
        with reporting_to(reporter):
            yield
        reporter.complete()
    finally:
        ended.set()
        sender.join(SEND_EVERY)


@dataclass
class _Stretch:
    """How far a stretch of work is."""

    description: str
    total: int
    done: int = 0
    note: str = ""

    @property
    def percentage(self) -> float:
        return 100 * self.done / self.total if self.total else 100.0

    @property
    def title(self) -> str:
        return f"{self.description}, {self.note}" if self.note else self.description

    def __str__(self) -> str:
        return f"{self.title}: {self.done} of {self.total}"


class _PrefectReporter:
    """Logs what is said, remembers the present stretch, and passes everything on to `listener`."""

    def __init__(self, listener: Reporter, log: Log) -> None:
        self._listener = listener
        self._log = log
        self.stretch: _Stretch | None = None

    def say(self, message: str) -> None:
        self._listener.say(message)
        self._log.info(message)

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        pass_on, end = self._listener.start(description, total)
        stretch = self.stretch = _Stretch(description, total)

        def advance(count: int, note: str = "") -> None:
            stretch.done, stretch.note = stretch.done + count, note or stretch.note
            pass_on(count, note)

        return advance, end

    def complete(self) -> None:
        """The step has ended well, even if it stopped before the end of its last stretch."""
        if self.stretch:
            self.stretch.done = self.stretch.total


def _send_until(ended: Event, reporter: _PrefectReporter, key: str, log: Log) -> None:
    """Send how far the step is now and then, and once more when it has ended."""
    artifact, line, logged = _ProgressArtifact(key, log), "", monotonic()
    while not ended.wait(SEND_EVERY):
        if stretch := reporter.stretch:
            artifact.show(stretch)
            if str(stretch) != line and monotonic() - logged >= LOG_EVERY:
                line, logged = str(stretch), monotonic()
                log.info(line)
    if reporter.stretch:
        artifact.show(reporter.stretch)


class _ProgressArtifact:
    """A progress artifact that is made when there is something to show."""

    def __init__(self, key: str, log: Log) -> None:
        self._key = key
        self._log = log
        self._id: UUID | None = None
        self._shown: tuple[float, str] | None = None
        self._failed = False

    def show(self, stretch: _Stretch) -> None:
        """Show how far `stretch` is; if that fails, say so the first time."""
        now = stretch.percentage, stretch.title
        if now == self._shown:
            return
        try:
            self._send(*now)
            self._shown = now
        except Exception as error:  # whatever it is, it is no reason for the step to fail
            if not self._failed:
                self._log.warning(f"Prefect cannot show the progress, the step goes on: {error}")
            self._failed = True

    def _send(self, percentage: float, description: str) -> None:
        if self._id:
            update_progress_artifact(self._id, percentage, description)
        else:
            self._id = cast("UUID", create_progress_artifact(percentage, self._key, description))
