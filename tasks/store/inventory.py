"""All of a store that decides what may go: tens of bytes an object, whatever the size of its files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydantic import JsonValue

from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store.backend import Backend, StoredObject
from tasks.store.checkpoints import read_checkpoint
from tasks.store.ledger import Ledger
from tasks.store.listing import (
    PROBE,
    ArtifactObjects,
    CheckpointObjects,
    contradictions,
    list_artifacts,
    list_checkpoints,
    list_moves,
    list_of_code,
    parents,
    read_move,
)
from tasks.store.manifest import ArtifactRef
from tasks.store.parallel import in_parallel
from tasks.store.refs import Ref
from tasks.store.runs import LATEST, RunManifest, RunStart, list_runs

LATEST_MOVES = 10
"""Moves of `latest` that somebody may still want to see."""


@dataclass(frozen=True)
class Origin:
    """What a manifest says of where its artifact lies and comes from."""

    folder: str
    parents: tuple[ArtifactRef, ...]
    settings: Mapping[str, JsonValue]
    code: str
    written: datetime
    """When the manifest was written, UTC."""


@dataclass(frozen=True)
class Inventory:
    """What there is.

    Attributes:
        runs: every run by its name.
        refs: where names point: of `latest` the newest move, of others every move, as they can be rolled back.
        superseded: moves of `latest` that nobody wants to see any more.
        artifacts: what lies below ``steps/``.
        origins: where each artifact that has a manifest comes from; None where that cannot be read.
        checkpoints: those that have a manifest.
        strays: files of checkpoints that no manifest of one names.
        of_code: records of code, and what steps remember, each with the digest of the code.
        probes: what probes of a bucket's server have left.
    """

    runs: Mapping[str, RunStart | RunManifest]
    refs: tuple[Ref, ...]
    superseded: tuple[StoredObject, ...]
    artifacts: tuple[ArtifactObjects, ...]
    origins: Mapping[ArtifactRef, Origin | None]
    checkpoints: tuple[CheckpointObjects, ...]
    strays: tuple[StoredObject, ...]
    of_code: tuple[tuple[str, StoredObject], ...]
    probes: tuple[StoredObject, ...]

    @property
    def unreadable(self) -> tuple[ArtifactObjects, ...]:
        """Artifacts whose manifest cannot be read."""
        return tuple(found for found in self.artifacts if found.manifest and not self.origins[found.ref])

    @property
    def orphans(self) -> tuple[StoredObject, ...]:
        """Files that no manifest names."""
        return (*(file for found in self.artifacts for file in self._orphans_of(found)), *self.strays)

    def _orphans_of(self, found: ArtifactObjects) -> tuple[StoredObject, ...]:
        if not found.manifest:
            return found.files
        origin = self.origins[found.ref]
        return found.outside(origin.folder) if origin else ()


def take_inventory(backend: Backend) -> Inventory:
    """What the store holds; the runs are listed first, as those that start later wait for who has claimed the store.

    Raises:
        CorruptFileError: a run or a ref cannot be read, so nobody knows what it needs.
    """
    runs = _readable_runs(backend)
    moves = list_moves(backend)
    latest = moves.pop(LATEST, [])
    wanted = [move.key for move in (*latest[-1:], *(move for others in moves.values() for move in others))]
    artifacts = tuple(list_artifacts(backend))
    checkpoints = tuple(list_checkpoints(backend))
    return Inventory(
        runs=runs,
        refs=tuple(in_parallel(lambda key: read_move(backend, key), wanted)),
        superseded=tuple(latest[:-LATEST_MOVES]),
        artifacts=artifacts,
        origins=_read_origins(backend, artifacts),
        checkpoints=tuple(found for found in checkpoints if found.manifest),
        strays=tuple(stray for strays in in_parallel(partial(_strays, backend), checkpoints) for stray in strays),
        of_code=tuple(list_of_code(backend)),
        probes=tuple(found for found in backend.list("probe/") if PROBE.fullmatch(found.key)),
    )


def _readable_runs(backend: Backend) -> dict[str, RunStart | RunManifest]:
    runs = list_runs(backend)
    damaged = [name for name, run in runs.items() if run is None]
    if damaged:
        raise CorruptFileError(
            f"{len(damaged)} runs of {backend.url} cannot be read, such as {damaged[0]}: nobody knows what they need, "
            "so nothing is deleted. `foldline fsck` lists them. Delete the folders of those that you can do without."
        )
    return {name: run for name, run in runs.items() if run}


def _read_origins(backend: Backend, artifacts: Collection[ArtifactObjects]) -> dict[ArtifactRef, Origin | None]:
    ledger = Ledger(backend)
    written = {found.ref: found.manifest.modified for found in artifacts if found.manifest}

    def read(ref: ArtifactRef) -> Origin | None:
        try:
            manifest = ledger.get(ref).manifest
        except (CorruptFileError, NotInStoreError):
            return None
        if contradictions(manifest, ref):
            return None
        return Origin(manifest.folder, parents(manifest), manifest.settings, manifest.code, written[ref])

    return dict(zip(written, in_parallel(read, written), strict=True))


def _strays(backend: Backend, found: CheckpointObjects) -> tuple[StoredObject, ...]:
    """Files of a checkpoint that its manifest does not name; of a damaged one nobody knows."""
    if not found.manifest:
        return found.files
    try:
        return found.outside(read_checkpoint(backend, found.ref, found.number).folder)
    except (CorruptFileError, NotInStoreError):  # the latter if it was deleted just now
        return ()
