"""Housekeeping: which runs and artifacts may go, and letting them go in an order that leaves nothing half gone.

What goes is decided from an inventory alone, by `plan_gc`. Kept are the runs that somebody may want again, with all
that their artifacts were made from, and whatever a run under way may need:

- It may have found any artifact whose settings are among its own, and rely on it later.
- Its uploads go on with what earlier ones have left, however long ago, and until its manifest is written nothing says
  so. Hence leftovers go only while no run is under way.
- It may go on from any checkpoint, and so may a run that follows one that was killed or failed. Hence checkpoints go
  when leftovers do, and only if their artifact is made, or nobody has gone on from them in time.
- It may use what its code remembers, and so may a run that follows one that failed. Hence that too goes with leftovers,
  only if the code made nothing that stays, and not before it has been there as long as a checkpoint.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from graphlib import TopologicalSorter

from tasks.progress import progress
from tasks.store.backend import Backend, StoredObject
from tasks.store.inventory import Inventory, Origin
from tasks.store.listing import CODE, ArtifactObjects, CheckpointObjects, Objects
from tasks.store.manifest import ArtifactRef
from tasks.store.runs import LATEST, RunManifest, RunStart

CLOCKS_DIFFER = timedelta(days=1)
"""At most, those of the machine that a run is on and of the store."""
UNFINISHED_FOR = timedelta(days=1)
"""A probe, or an upload in parts, that is older does not go on any more."""
ABANDONED_AFTER = timedelta(days=7)
"""A run that has not ended so long after its start was killed; a checkpoint or a memory so old is not gone on from."""
JUST_ENDED = timedelta(minutes=2)
"""For so long after the end of a run `latest` may be about to move to it."""
BATCH = 1000
"""Objects that are deleted between two looks at the clock."""


@dataclass(frozen=True)
class GcPlan:
    """What goes, what stays, and why.

    Attributes:
        kept_runs: why each run stays, by its name.
        dropped_runs: runs that go.
        killed: runs that did not end and count as killed.
        kept: artifacts that stay.
        dropped: artifacts that go.
        kept_checkpoints: checkpoints that stay.
        dropped_checkpoints: checkpoints that go.
        leftovers: objects that no artifact or checkpoint needs, and that go.
        spared: leftovers that stay as runs are under way.
        stages: keys to delete; a stage when the one before it is done.
    """

    kept_runs: Mapping[str, str]
    dropped_runs: tuple[str, ...]
    killed: tuple[str, ...]
    kept: tuple[ArtifactObjects, ...]
    dropped: tuple[ArtifactObjects, ...]
    kept_checkpoints: tuple[CheckpointObjects, ...]
    dropped_checkpoints: tuple[CheckpointObjects, ...]
    leftovers: tuple[StoredObject, ...]
    spared: tuple[StoredObject, ...]
    stages: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        """Bytes that deleting frees, but for those of runs and refs."""
        whole: tuple[Objects, ...] = (*self.dropped, *self.dropped_checkpoints)
        return sum(found.size for found in whole) + sum(found.size for found in self.leftovers)


def plan_gc(inventory: Inventory, keep_last: int, asked: Collection[str], now: datetime) -> GcPlan:
    """Decide what goes.

    Args:
        inventory: what there is.
        keep_last: how many of the newest runs stay.
        asked: names of runs that stay because a person says so.
        now: the present, UTC.
    """
    why = _kept_runs(inventory, keep_last, asked, now)
    under_way = [run for run in inventory.runs.values() if _is_under_way(run, now)]
    # What a run that stays used and made is not known if it has not ended, or its end is lost.
    unclear = [run for name, run in inventory.runs.items() if name in why and not isinstance(run, RunManifest)]
    needed = _with_ancestors(inventory.origins, _roots(inventory, why, unclear))
    readable = [found for found in inventory.artifacts if inventory.origins.get(found.ref)]
    kept = tuple(found for found in readable if found.ref in needed)
    dropped = tuple(found for found in readable if found.ref not in needed)
    gone = tuple(name for name in inventory.runs if name not in why)
    old = tuple(probe for probe in inventory.probes if now - probe.modified > UNFINISHED_FOR)
    orphaned = (*inventory.orphans, *_of_unnamed_code(inventory, kept, now))
    leftovers = old if under_way else (*old, *orphaned)
    unneeded = () if under_way else tuple(_unneeded_checkpoints(inventory, now))
    return GcPlan(
        kept_runs=why,
        dropped_runs=gone,
        killed=tuple(name for name, run in inventory.runs.items() if _was_killed(run, now)),
        kept=kept,
        dropped=dropped,
        kept_checkpoints=tuple(found for found in inventory.checkpoints if found not in unneeded),
        dropped_checkpoints=unneeded,
        leftovers=leftovers,
        spared=orphaned if under_way else (),
        stages=_stages(inventory, gone, dropped, unneeded, leftovers),
    )


def _kept_runs(inventory: Inventory, keep_last: int, asked: Collection[str], now: datetime) -> dict[str, str]:
    """Why each run that stays does so, the weightiest reason."""
    runs = inventory.runs
    newest = sorted(runs, key=lambda name: runs[name].started)[max(0, len(runs) - keep_last) :]
    reasons = (
        {name: "ended just now" for name, run in runs.items() if _has_just_ended(run, now)},
        dict.fromkeys(newest, "newest"),
        dict.fromkeys(asked, "asked for"),
        {ref.run: ref.name if ref.name == LATEST else f"tagged {ref.name}" for ref in inventory.refs},
        {name: "under way" for name, run in runs.items() if _is_under_way(run, now)},
    )
    return {name: why for reason in reasons for name, why in reason.items() if name in runs}


def _is_under_way(run: RunStart | RunManifest, now: datetime) -> bool:
    return not isinstance(run, RunManifest) and now - run.started < ABANDONED_AFTER


def _was_killed(run: RunStart | RunManifest, now: datetime) -> bool:
    return not isinstance(run, RunManifest) and now - run.started >= ABANDONED_AFTER


def _has_just_ended(run: RunStart | RunManifest, now: datetime) -> bool:
    return isinstance(run, RunManifest) and now - run.started - timedelta(seconds=run.seconds) < JUST_ENDED


def _roots(inventory: Inventory, kept_runs: Collection[str], unclear: Collection[RunStart]) -> set[ArtifactRef]:
    """The artifacts of the runs that stay, and those that one may need of which that is unclear."""
    kept = (inventory.runs[name] for name in kept_runs)
    named = {ref for run in kept if isinstance(run, RunManifest) for ref in run.artifacts.values()}
    origins = inventory.origins.items()
    return named | {ref for ref, origin in origins if origin and any(_may_need(run, origin) for run in unclear)}


def _may_need(run: RunStart, origin: Origin) -> bool:
    """Whether the run may have made the artifact, or found it: one whose settings are some of the run's."""
    if not origin.settings or origin.written > run.started - CLOCKS_DIFFER:
        return True
    return any(isinstance(part, dict) and origin.settings.items() <= part.items() for part in run.settings.values())


def _with_ancestors(origins: Mapping[ArtifactRef, Origin | None], roots: Iterable[ArtifactRef]) -> set[ArtifactRef]:
    """The roots and all that they were made from."""
    found: set[ArtifactRef] = set()
    waiting = list(roots)
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            origin = origins.get(ref)
            waiting += origin.parents if origin else ()
    return found


def _unneeded_checkpoints(inventory: Inventory, now: datetime) -> Iterator[CheckpointObjects]:
    """Those of artifacts that are made, and those that nobody has gone on from in time."""
    for found in inventory.checkpoints:
        if found.ref in inventory.origins or (found.manifest and now - found.manifest.modified >= ABANDONED_AFTER):
            yield found


def _of_unnamed_code(inventory: Inventory, kept: Iterable[ArtifactObjects], now: datetime) -> tuple[StoredObject, ...]:
    """Records of code that made nothing that is kept, and what such code remembers and nobody has gone on from."""
    if inventory.unreadable:
        return ()  # nobody knows what these name
    origins = (inventory.origins[artifact.ref] for artifact in kept)
    named = {origin.code for origin in origins if origin}
    unnamed = (found for code, found in inventory.of_code if code not in named)
    return tuple(found for found in unnamed if CODE.fullmatch(found.key) or now - found.modified >= ABANDONED_AFTER)


def _stages(
    inventory: Inventory,
    runs: Collection[str],
    artifacts: Collection[ArtifactObjects],
    checkpoints: Collection[CheckpointObjects],
    leftovers: Collection[StoredObject],
) -> tuple[tuple[str, ...], ...]:
    """What to delete in which order, so that whoever is interrupted leaves only what is whole, and orphans.

    Runs go before what they name; of a run its start goes first, as one with a start alone would be under way.
    Artifacts go before what they were made from, and every manifest before any file.
    """
    whole: tuple[Objects, ...] = (*artifacts, *checkpoints)
    files = [found.key for objects in whole for found in objects.files]
    stages = [
        [move.key for move in inventory.superseded] + [f"runs/{run}/start.json" for run in runs],
        [f"runs/{run}/manifest.json" for run in runs],
        *([f"steps/{ref}/manifest.json" for ref in generation] for generation in _generations(inventory, artifacts)),
        [found.manifest.key for found in checkpoints if found.manifest],
        sorted({*files, *(found.key for found in leftovers)}),
    ]
    return tuple(tuple(stage) for stage in stages if stage)


def _generations(inventory: Inventory, artifacts: Collection[ArtifactObjects]) -> list[tuple[ArtifactRef, ...]]:
    """Artifacts in groups, each before what it was made from."""
    refs = {artifact.ref for artifact in artifacts}
    sorter = TopologicalSorter(
        {ref: refs.intersection(origin.parents) for ref in refs if (origin := inventory.origins[ref])}
    )
    sorter.prepare()
    generations = []
    while sorter.is_active():
        generations.append(sorter.get_ready())
        sorter.done(*generations[-1])
    return generations[::-1]


def carry_out(backend: Backend, plan: GcPlan, see_that_claim_lasts: Callable[[], None]) -> None:
    """Delete what is to go.

    Args:
        backend: where.
        plan: what.
        see_that_claim_lasts: called before each batch; raises to stop.
    """
    with progress("Deleting", sum(map(len, plan.stages))) as advance:
        for stage in plan.stages:
            for first in range(0, len(stage), BATCH):
                see_that_claim_lasts()
                batch = stage[first : first + BATCH]
                backend.delete(batch)
                advance(len(batch))
