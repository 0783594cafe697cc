"""Runs: which artifacts belong together, and how it ended."""

import re
import secrets
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tasks.errors import (
    AlreadyExistsError,
    CorruptFileError,
    FoldlineError,
    NotInStoreError,
    StoreUnavailableError,
)
from tasks.patience import patiently
from tasks.store.backend import Backend
from tasks.store.claims import wait_for_claims
from tasks.store.manifest import ArtifactRef
from tasks.store.parallel import in_parallel
from tasks.store.refs import NAME, move_ref, read_ref, ref_names

LATEST = "latest"
"""The ref that points to the newest completed run that made a submission."""


class RunStart(BaseModel):
    """What is known of a run when it starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    flow: str
    experiment: str
    settings: dict[str, JsonValue]
    data: str
    started: datetime


class RunManifest(RunStart):
    """A run that has ended."""

    state: Literal["completed", "failed"]
    artifacts: dict[str, ArtifactRef]
    """What it used and made, by name, such as ``catalog`` or ``fold-0``."""
    reused: tuple[str, ...]
    """Names of the artifacts that were in the store already."""
    scores: dict[str, float]
    error: str | None
    seconds: float


class Run:
    """A run under way: collects what it uses and makes."""

    def __init__(self, start: RunStart) -> None:
        self.start = start
        self.artifacts: dict[str, ArtifactRef] = {}
        self.reused: list[str] = []
        self.scores: dict[str, float] = {}

    def keep(self, name: str, artifact: ArtifactRef, *, reused: bool) -> None:
        """Note that `artifact` belongs to the run under `name`, and whether it was in the store already."""
        self.artifacts[name] = artifact
        if reused:
            self.reused.append(name)

    def ended(self, error: BaseException | None) -> RunManifest:
        """The run's manifest, as of now."""
        return RunManifest(
            **self.start.model_dump(),
            state="failed" if error else "completed",
            artifacts=self.artifacts,
            reused=tuple(self.reused),
            scores=self.scores,
            error=_describe(error) if error else None,
            seconds=round((datetime.now(UTC) - self.start.started).total_seconds(), 1),
        )


@contextmanager
def recorded_run(
    backend: Backend, flow: str, experiment: str, settings: dict[str, JsonValue], data: str
) -> Iterator[Run]:
    """A run that is in the store from its start, and with all it used and made when the block ends, well or not."""
    started = datetime.now(UTC)
    name = f"{started:%Y%m%d-%H%M%S}-{experiment}-{secrets.token_hex(2)}"
    start = RunStart(run=name, flow=flow, experiment=experiment, settings=settings, data=data, started=started)
    key, end = f"runs/{name}/start.json", f"runs/{name}/manifest.json"
    _create(backend, key, start)
    run = Run(start)
    try:
        patiently(partial(wait_for_claims, backend, key), StoreUnavailableError)
        yield run
    except Exception as error:
        _create(backend, end, run.ended(error))
        raise
    except BaseException as error:  # this process is being ended, and nobody waits until the store is back
        with suppress(StoreUnavailableError):
            backend.create(end, run.ended(error).model_dump_json(indent=2).encode())
        raise
    _create(backend, end, run.ended(None))


def _create(backend: Backend, key: str, content: RunStart) -> None:
    """Create an object that nobody else would write, however long the store cannot be reached."""
    written = content.model_dump_json(indent=2).encode()

    def attempt() -> None:
        try:
            backend.create(key, written)
        except AlreadyExistsError:
            if backend.read(key) != written:  # else an earlier attempt has reached the store, and its answer was lost
                raise

    patiently(attempt, StoreUnavailableError)


def advance_latest(backend: Backend, run: str) -> None:
    """Let `latest` point to `run`."""
    patiently(partial(move_ref, backend, LATEST, run), StoreUnavailableError)


def _latest(backend: Backend) -> str:
    try:
        return read_ref(backend, LATEST).run
    except NotInStoreError as error:
        raise NotInStoreError(
            f"No run of {backend.url} has made a submission yet. `foldline runs` lists all runs."
        ) from error


def _describe(error: BaseException) -> str:
    """A person's own mistake in its own words; anything else with where it happened."""
    if isinstance(error, FoldlineError):
        return str(error)
    return "".join(traceback.format_exception(error))


def list_runs(backend: Backend) -> dict[str, RunStart | RunManifest | None]:
    """Every run by its name, oldest first; None where what is kept of it cannot be read."""
    names = _names(backend)
    runs = dict(zip(names, in_parallel(partial(_readable, backend), names), strict=True))
    # A name starts with the time, in seconds.
    return dict(sorted(runs.items(), key=lambda item: (item[0][:15], item[1].started.timestamp() if item[1] else 0)))


def _readable(backend: Backend, name: str) -> RunStart | RunManifest | None:
    try:
        return read_run(backend, name)
    except (CorruptFileError, NotInStoreError):  # the latter if it was deleted just now
        return None


def _names(backend: Backend) -> list[str]:
    matches = (re.fullmatch(r"runs/([^/]+)/(start|manifest)\.json", found.key) for found in backend.list("runs/"))
    return sorted({match[1] for match in matches if match})


def read_run(backend: Backend, name: str) -> RunStart | RunManifest:
    """The run of exactly that name; one that never ended (it runs still, or was killed) as its `RunStart`.

    Raises:
        NotInStoreError: there is none.
        CorruptFileError: what is kept of it cannot be read.
    """
    try:
        try:
            return RunManifest.model_validate_json(backend.read(f"runs/{name}/manifest.json"))
        except NotInStoreError:
            return RunStart.model_validate_json(backend.read(f"runs/{name}/start.json"))
    except NotInStoreError as error:
        raise NotInStoreError(f"There is no run {name} in {backend.url}. `foldline runs` lists all runs.") from error
    except (ValidationError, CorruptFileError) as error:
        raise CorruptFileError(
            f"{backend.url}/runs/{name} is damaged, or of another version of Foldline. Delete the folder to forget the "
            "run; its artifacts stay."
        ) from error


def find_run(backend: Backend, wanted: str) -> RunStart | RunManifest:
    """The run that a person means: a whole name, a tag, the start or the end of just one name, or `latest`.

    Raises:
        NotInStoreError: there is none, or more than one.
        CorruptFileError: what is kept of it cannot be read.
    """
    if not wanted:
        raise NotInStoreError("A run without a name is no run. Is a variable empty?")
    if wanted == LATEST:
        return read_run(backend, _latest(backend))
    names = _names(backend)
    if wanted in names:
        return read_run(backend, wanted)
    if tagged := _tagged(backend, wanted):
        return read_run(backend, tagged)
    return read_run(backend, _part_match(backend, wanted, names))


def find_ended(backend: Backend, wanted: str) -> RunManifest:
    """The run that a person means, as `find_run` finds it.

    Raises:
        NotInStoreError: there is no such run, or what it made is not known, as it has not ended.
    """
    run = find_run(backend, wanted)
    if not isinstance(run, RunManifest):
        raise NotInStoreError(
            f"Run {run.run} has not ended, so what it made is not noted yet. If it was killed, run it again: what it "
            "had finished is reused."
        )
    return run


def _part_match(backend: Backend, wanted: str, names: Sequence[str]) -> str:
    """The one of `names` that starts or ends with `wanted`. Raises NotInStoreError."""
    matches = [name for name in names if name.startswith(wanted) or name.endswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    all_runs = f"`foldline runs` lists all {len(names)} runs of {backend.url}."
    if matches:
        raise NotInStoreError(f"{len(matches)} runs match {wanted!r}, such as {matches[0]}. {all_runs}")
    raise NotInStoreError(f"no run matches {wanted!r}. {_suggestion(wanted, [*names, *ref_names(backend)])}{all_runs}")


def _tagged(backend: Backend, name: str) -> str | None:
    """Name of the run that the tag points to; None if there is no such tag."""
    try:
        return read_ref(backend, name).run if re.fullmatch(NAME, name) else None
    except NotInStoreError:
        return None


def _suggestion(wanted: str, names: Sequence[str]) -> str:
    """A question about the names of which the whole, the start or the end resembles `wanted`; empty if none does."""
    size = len(wanted)
    parts = {part: name for name in names for part in (name, name[:size], name[-size:])}
    close = dict.fromkeys(parts[part] for part in get_close_matches(wanted, parts))
    return f"Did you mean {' or '.join(close)}? " if close else ""
