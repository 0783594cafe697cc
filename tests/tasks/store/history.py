"""Stores with a past: artifacts, and runs that name them, as old as a test wants them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, JsonValue

from tasks.store import Artifact, Backend, Ledger, Step
from tasks.store.checkpoints import Checkpoints, checkpoint_key
from tasks.store.claims import claimed
from tasks.store.housekeeping import GcPlan, carry_out, plan_gc
from tasks.store.inventory import take_inventory
from tasks.store.manifest import ArtifactRef
from tasks.store.runs import RunManifest, RunStart
from tasks.store.verify import describe_files

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)
"""When no run has ended just now."""


class Settings(BaseModel):
    """Settings of a step."""

    value: int


def make(
    backend: Backend, step: str, inputs: Mapping[str, Artifact | str] | None = None, value: int | None = None
) -> Artifact:
    """An artifact of two files, one in a folder."""

    def compute(folder: Path) -> dict[str, JsonValue]:
        (folder / "docs").mkdir()
        (folder / "docs/page").write_text(f"{step} {inputs}")
        (folder / "table").write_text("numbers")
        return {}

    settings = None if value is None else Settings(value=value)
    return Ledger(backend).produce(Step(step, "tasks.classes"), inputs or {}, settings, compute)


def add_run(backend: Backend, artifacts: Sequence[Artifact], days_ago: float = 0) -> str:
    """A run that started so long ago, ended at once, and names these artifacts; returns its name."""
    start = start_run(backend, {}, days_ago)
    end = RunManifest(
        **start.model_dump(),
        state="completed",
        artifacts={f"a{number}": artifact.ref for number, artifact in enumerate(artifacts)},
        reused=(),
        scores={},
        error=None,
        seconds=0,
    )
    backend.create(f"runs/{start.run}/manifest.json", end.model_dump_json().encode())
    return start.run


def start_run(backend: Backend, settings: dict[str, JsonValue], days_ago: float = 0) -> RunStart:
    """A run that started so long ago and has not ended."""
    started = NOW - timedelta(days=days_ago)
    name = f"{started:%Y%m%d-%H%M%S}-laptop-{secrets.token_hex(4)}"
    start = RunStart(run=name, flow="retrain", experiment="laptop", settings=settings, data="photos", started=started)
    backend.create(f"runs/{name}/start.json", start.model_dump_json().encode())
    return start


def save_checkpoint(backend: Backend, ref: ArtifactRef, number: int = 1) -> str:
    """A checkpoint of one file of an artifact; returns the key of its manifest."""

    def write(folder: Path) -> None:
        (folder / "state").write_text(f"state {number}")

    Checkpoints(backend, ref).save(number, write)
    return checkpoint_key(ref, number)


def put(backend: Backend, key: str, content: bytes) -> None:
    """Write an object, whatever was there before."""
    root, _, name = key.rpartition("/")
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        backend.upload(Path(folder), root, describe_files(Path(folder)))


def collect(
    backend: Backend, keep_last: int = 0, keep: Sequence[str] = (), now: datetime = LATER, pause: float = 0
) -> GcPlan:
    """Housekeeping, as `foldline gc --delete` does it, which needs `pause` more seconds to look around."""
    with claimed(backend) as see_that_claim_lasts:
        plan = plan_gc(take_inventory(backend), keep_last, keep, now)
        time.sleep(pause)
        carry_out(backend, plan, see_that_claim_lasts)
    return plan


def artifacts_in(backend: Backend) -> set[ArtifactRef]:
    """Every artifact that has a manifest."""
    keys = [found.key.split("/") for found in backend.list("steps/")]
    return {ArtifactRef(step=key[1], key=key[2]) for key in keys if key[3:] == ["manifest.json"]}


def keys_in(backend: Backend, *prefixes: str) -> set[str]:
    """The keys of all objects, or of those below the prefixes."""
    every = prefixes or ("checkpoints/", "code/", "housekeeping/", "memory/", "probe/", "refs/", "runs/", "steps/")
    return {found.key for prefix in every for found in backend.list(prefix)}
