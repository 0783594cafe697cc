"""What housekeeping lets go, and that it never lets go what anybody needs: over a folder and a bucket."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import CorruptFileError, StoreError
from tasks.store import Artifact, ArtifactRef, Backend, claims, housekeeping
from tasks.store.folder import FolderBackend
from tasks.store.fsck import check_store
from tasks.store.housekeeping import plan_gc
from tasks.store.inventory import LATEST_MOVES, take_inventory
from tasks.store.listing import list_artifacts
from tasks.store.refs import advance_ref, move_ref
from tests.tasks.store.history import (
    LATER,
    NOW,
    add_run,
    artifacts_in,
    collect,
    keys_in,
    make,
    put,
    save_checkpoint,
    start_run,
)

ORPHAN = f"steps/a/{'0' * 64}/{'1' * 12}/file"

UNMADE = ArtifactRef(step="training", key="0" * 64)
"""An artifact that is still being made."""


def strays_of(manifest: str) -> set[str]:
    """Files that a checkpoint does not name: one of a lost race for its number, and one of the next."""
    folder = manifest.removesuffix(".json")
    return {f"{folder}/{'1' * 12}/state", f"{folder[:-1]}2/{'1' * 12}/state"}


def chain(backend: Backend, name: str, value: int | None = None) -> list[Artifact]:
    """Three artifacts, each made from the one before."""
    first = make(backend, "first", {"data": name})
    second = make(backend, "second", {"first": first}, value)
    return [first, second, make(backend, "third", {"second": second, "name": name}, value)]


def refs(artifacts: list[Artifact]) -> set[ArtifactRef]:
    return {artifact.ref for artifact in artifacts}


def test_newest_runs_stay_with_all_that_they_were_made_from(backend: Backend) -> None:
    old, new = chain(backend, "old"), chain(backend, "new")
    gone, stays = add_run(backend, old, 2), add_run(backend, new[-1:], 1)
    plan = collect(backend, keep_last=1)
    assert (plan.dropped_runs, dict(plan.kept_runs)) == ((gone,), {stays: "newest"})
    assert artifacts_in(backend) == refs(new)
    assert keys_in(backend, "runs/") == {f"runs/{stays}/start.json", f"runs/{stays}/manifest.json"}
    assert not check_store(backend).problems


def test_run_stays_for_each_of_the_reasons_and_the_plan_names_it(backend: Backend) -> None:
    names = [add_run(backend, [make(backend, "first", {"n": str(n)})], n) for n in range(6)]
    for run in (names[3], names[2]):
        move_ref(backend, "latest", run)
    for run in (names[4], names[5]):
        move_ref(backend, "champion", run)
    plan = collect(backend, keep_last=1, keep=[names[1]])
    assert plan.kept_runs == {
        names[0]: "newest",
        names[1]: "asked for",
        names[2]: "latest",
        names[4]: "tagged champion",
        names[5]: "tagged champion",
    }
    assert plan.dropped_runs == (names[3],)
    assert len(artifacts_in(backend)) == 5


def test_run_that_has_just_ended_stays_as_latest_may_be_about_to_move_to_it(backend: Backend) -> None:
    just, earlier = add_run(backend, []), add_run(backend, [], 0.1)
    plan = plan_gc(take_inventory(backend), 0, (), NOW + timedelta(minutes=1))
    assert plan.kept_runs == {just: "ended just now"}
    assert plan.dropped_runs == (earlier,)


def test_earlier_moves_of_latest_go_but_for_the_newest(backend: Backend) -> None:
    run = add_run(backend, [])
    for number in range(LATEST_MOVES + 3):
        advance_ref(backend, "latest", run, after=number)
        advance_ref(backend, "champion", run, after=number)
    collect(backend)
    assert min(keys_in(backend, "refs/latest/")) == "refs/latest/000004.json"
    assert len(keys_in(backend, "refs/champion/")) == LATEST_MOVES + 3


def test_run_under_way_keeps_what_it_may_have_found(backend: Backend) -> None:
    mine, others = make(backend, "second", {}, 1), make(backend, "second", {}, 2)
    without = make(backend, "first")
    # Clocks may differ by a day, so the run starts in two.
    run = start_run(backend, {"part": {"value": 1, "gate": "critical"}, "about": ""}, days_ago=-2)
    plan = collect(backend)
    assert plan.kept_runs == {run.run: "under way"}
    assert artifacts_in(backend) == {mine.ref, without.ref}
    assert others.ref not in artifacts_in(backend)


def test_run_under_way_keeps_all_that_was_written_since_it_started_and_leftovers_however_old(backend: Backend) -> None:
    start_run(backend, {})
    made = make(backend, "second", {}, 1)
    put(backend, ORPHAN, b"an upload may go on with this")
    before = keys_in(backend)
    plan = collect(backend, now=NOW + housekeeping.ABANDONED_AFTER - timedelta(days=1))
    assert [found.key for found in plan.spared] == [ORPHAN]
    assert keys_in(backend) == before
    assert made.paths()


def test_run_that_has_not_ended_for_a_week_counts_as_killed(backend: Backend) -> None:
    run = start_run(backend, {"part": {"value": 1}}, days_ago=7).run
    make(backend, "second", {}, 1)
    put(backend, ORPHAN, b"left by it")
    plan = collect(backend)
    assert (plan.killed, plan.dropped_runs) == ((run,), (run,))
    assert keys_in(backend) == set()


def test_run_that_stays_although_its_end_is_lost_keeps_what_it_may_have_made(backend: Backend) -> None:
    artifacts = chain(backend, "a")
    run = add_run(backend, artifacts, days_ago=30)
    move_ref(backend, "latest", run)
    backend.delete([f"runs/{run}/manifest.json"])
    collect(backend)
    assert {found.ref for found in list_artifacts(backend)} >= refs(artifacts)


def test_what_killed_writers_left_goes(backend: Backend) -> None:
    artifacts = chain(backend, "x")
    run = add_run(backend, artifacts)
    lost_race = f"{artifacts[0].root[:-12]}{'2' * 12}/file"
    nothing_made_by_it = f"code/{'3' * 64}.json"
    remembered_by_it = f"memory/{'3' * 64}/{'4' * 16}/{'5' * 64}.parquet"
    whole = keys_in(backend)
    left = {ORPHAN, lost_race, nothing_made_by_it}
    for key in (*left, remembered_by_it):
        put(backend, key, b"{}")
    plan = collect(backend, keep=[run])
    assert {found.key for found in plan.leftovers} == left
    assert keys_in(backend) == whole | {remembered_by_it}
    collect(backend, keep=[run], now=LATER + housekeeping.ABANDONED_AFTER)
    assert keys_in(backend) == whole


def test_what_code_remembers_stays_as_long_as_something_that_it_made(backend: Backend) -> None:
    artifacts = chain(backend, "x")
    run = add_run(backend, artifacts)
    remembered = f"memory/{artifacts[0].manifest.code}/{'4' * 16}/{'5' * 64}.parquet"
    put(backend, remembered, b"")
    collect(backend, keep=[run], now=LATER + housekeeping.ABANDONED_AFTER)
    assert remembered in keys_in(backend)
    collect(backend, now=LATER + housekeeping.ABANDONED_AFTER)
    assert keys_in(backend) == set()


def test_what_unnamed_code_remembers_stays_while_a_run_is_under_way(backend: Backend) -> None:
    start_run(backend, {}, days_ago=1)
    remembered = f"memory/{'3' * 64}/{'4' * 16}/{'5' * 64}.parquet"
    put(backend, remembered, b"")
    start_run(backend, {}, days_ago=-7)
    plan = collect(backend, now=LATER + housekeeping.ABANDONED_AFTER)
    assert [found.key for found in plan.spared] == [remembered]
    assert remembered in keys_in(backend)


def test_probe_goes_when_no_process_can_be_busy_with_it_and_nothing_else_that_lies_there(backend: Backend) -> None:
    ours, theirs = f"probe/{'0' * 32}", "probe/holiday.jpg"
    for key in (ours, theirs):
        backend.create(key, b"")
    collect(backend)
    assert keys_in(backend, "probe/") == {ours, theirs}
    collect(backend, now=NOW + timedelta(days=2))
    assert keys_in(backend, "probe/") == {theirs}


def test_checkpoint_of_an_artifact_that_is_not_made_stays_for_a_week(backend: Backend) -> None:
    manifest = save_checkpoint(backend, UNMADE)
    whole = keys_in(backend)
    plan = collect(backend)
    assert [found.manifest.key for found in plan.kept_checkpoints if found.manifest] == [manifest]
    assert keys_in(backend) == whole
    plan = collect(backend, now=LATER + housekeeping.ABANDONED_AFTER)
    assert [found.ref for found in plan.dropped_checkpoints] == [UNMADE]
    assert keys_in(backend) == set()


def test_checkpoint_of_an_artifact_that_is_made_goes(backend: Backend) -> None:
    artifact = make(backend, "first")
    run = add_run(backend, [artifact])
    whole = keys_in(backend)
    manifest = save_checkpoint(backend, artifact.ref)
    plan = collect(backend, keep=[run])
    assert plan.size == sum(found.size for found in plan.dropped_checkpoints) > 0
    assert plan.stages[0] == (manifest,)  # before its files
    assert keys_in(backend) == whole


def test_run_under_way_keeps_checkpoints_and_what_belongs_to_none_however_old(backend: Backend) -> None:
    artifact = make(backend, "first")
    strays = strays_of(save_checkpoint(backend, artifact.ref))
    for key in strays:
        put(backend, key, b"uploading")
    save_checkpoint(backend, UNMADE)
    start_run(backend, {}, days_ago=-8)
    before = keys_in(backend)
    plan = collect(backend, now=NOW + timedelta(days=8))
    assert len(plan.kept_checkpoints) == 2
    assert {found.key for found in plan.spared} == strays
    assert keys_in(backend) == before


def test_files_that_no_checkpoint_names_go(backend: Backend) -> None:
    manifest = save_checkpoint(backend, UNMADE)
    whole = keys_in(backend)
    strays = strays_of(manifest)
    for key in strays:
        put(backend, key, b"left")
    plan = collect(backend)
    assert {found.key for found in plan.leftovers} == strays
    assert keys_in(backend) == whole


def test_damaged_checkpoint_stays_with_its_files_for_a_week(backend: Backend) -> None:
    put(backend, save_checkpoint(backend, UNMADE), b"{")
    before = keys_in(backend)
    collect(backend)
    assert keys_in(backend) == before
    collect(backend, now=LATER + housekeeping.ABANDONED_AFTER)
    assert keys_in(backend) == set()


def test_what_others_keep_is_never_touched(backend: Backend) -> None:
    foreign = {
        "README.md",
        f"checkpoints/first/{'0' * 64}/notes.md",
        "checkpoints/.DS_Store",
        "housekeeping/Thumbs.db",
        "code/notes.txt",
        "refs/latest/.DS_Store",
        "runs/.DS_Store",
        "runs/somebody/notes.md",
        "steps/.DS_Store",
        "steps/first/notes/manifest.json",
        f"steps/first/{'0' * 64}/notes.md",
    }
    run = add_run(backend, chain(backend, "x"))
    for key in (*foreign, f"runs/{run}/notes.md"):
        backend.create(key, b"theirs")
    collect(backend)
    assert keys_in(backend) == {*foreign, f"runs/{run}/notes.md"} - {"README.md"}
    assert backend.read("README.md") == b"theirs"


@pytest.mark.parametrize("which", ["start", "manifest"])
def test_run_that_cannot_be_read_stops_everything(backend: Backend, which: str) -> None:
    run = add_run(backend, chain(backend, "x"))
    backend.delete([f"runs/{run}/manifest.json"])
    put(backend, f"runs/{run}/{which}.json", b"{")
    before = keys_in(backend)
    with pytest.raises(CorruptFileError, match=rf"1 runs .* cannot be read, such as {run}: .*`foldline fsck`"):
        collect(backend)
    assert keys_in(backend) == before


@pytest.mark.parametrize("name", ["latest", "champion"])
def test_ref_that_cannot_be_read_stops_everything(backend: Backend, name: str) -> None:
    add_run(backend, chain(backend, "x"))
    put(backend, f"refs/{name}/000001.json", b"{")
    before = keys_in(backend)
    with pytest.raises(CorruptFileError, match=rf"refs/{name}/000001\.json is damaged"):
        collect(backend)
    assert keys_in(backend) == before


@pytest.mark.parametrize(
    "damage", [lambda _: b"{", lambda text: text.replace(b'"data"', b'"date"')], ids=["torn", "changed"]
)
def test_artifact_with_a_damaged_manifest_stays_with_its_files(
    backend: Backend, damage: Callable[[bytes], bytes]
) -> None:
    artifact = make(backend, "first", {"data": "x"})
    key = f"steps/{artifact.ref}/manifest.json"
    put(backend, key, damage(backend.read(key)))
    make(backend, "second")
    before = keys_in(backend, f"steps/{artifact.ref}/")
    assert [found.ref for found in take_inventory(backend).unreadable] == [artifact.ref]
    collect(backend)
    assert keys_in(backend, "steps/") == before


def test_plan_alone_deletes_nothing(backend: Backend) -> None:
    add_run(backend, chain(backend, "x"))
    put(backend, ORPHAN, b"")
    before = keys_in(backend)
    plan = plan_gc(take_inventory(backend), 0, (), LATER)
    assert {key for stage in plan.stages for key in stage} == before
    assert keys_in(backend) == before


@dataclass
class Past:
    """A store with a random past, and what must be left of it.

    Attributes:
        made: for each artifact its step, its value, the days since, and how far back in this list its parents lie.
        runs: for each run the days since it started, its value, whether it has ended, and the artifacts it names.
        moves: names of refs and the runs that they moved to, in order.
        keep: runs that a person asks for.
        keep_last: how many of the newest runs stay.
    """

    made: list[tuple[str, int | None, int, set[int]]]
    runs: list[tuple[int, int, bool, set[int]]]
    moves: list[tuple[str, int]]
    keep: set[int]
    keep_last: int

    def build(self, backend: FolderBackend) -> tuple[list[Artifact], list[str]]:
        artifacts: list[Artifact] = []
        for number, (step, value, days, back) in enumerate(self.made):
            inputs = {f"{number - n}": artifacts[number - n] for n in back if n <= number}
            artifacts.append(make(backend, step, {**inputs, "number": str(number)}, value))
            # Half a day: none is just as old as a run.
            written = (NOW - timedelta(days=days + 0.5)).timestamp()
            os.utime(backend.root / f"steps/{artifacts[-1].ref}/manifest.json", (written, written))
        names = []
        for number, (days, value, ended, named) in enumerate(self.runs):
            if ended:
                of = [artifacts[n] for n in sorted(named) if n < len(artifacts)]
                names.append(add_run(backend, of, days + number / 1000))
            else:
                names.append(start_run(backend, {"part": {"value": value, "gate": "never"}}, days + number / 1000).run)
        for name, run in self.moves:
            move_ref(backend, name, names[run] if run < len(names) else "gone")
        return artifacts, names

    def kept_runs(self) -> set[int]:
        newest = sorted(range(len(self.runs)), key=lambda n: self.runs[n][0] + n / 1000)[: self.keep_last]
        champions = [run for name, run in self.moves if name == "champion"]
        latest = [run for name, run in self.moves if name == "latest"][-1:]
        kept = {*newest, *champions, *latest, *self.keep, *self.under_way()}
        return {run for run in kept if run < len(self.runs)}

    def under_way(self) -> list[int]:
        return [n for n, (days, _, ended, _) in enumerate(self.runs) if not ended and days < 7]

    def kept_artifacts(self) -> set[int]:
        kept: set[int] = set()
        waiting = [n for n in range(len(self.made)) if self._may_be_needed(n)]
        for run in self.kept_runs():
            _, _, ended, named = self.runs[run]
            waiting += named if ended else ()
        while waiting:
            number = waiting.pop()
            if number < len(self.made):
                kept.add(number)
                waiting += [number - n for n in self.made[number][3] if n <= number]
        return kept

    def _may_be_needed(self, number: int) -> bool:
        _, value, days, _ = self.made[number]
        runs = [self.runs[run] for run in self.kept_runs() if not self.runs[run][2]]
        return any(value in {None, its} or days <= started for started, its, _, _ in runs)


pasts = st.builds(
    Past,
    made=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from([None, 1, 2]),
            st.integers(0, 12),
            st.sets(st.integers(1, 4), max_size=2),
        ),
        max_size=10,
    ),
    runs=st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from([1, 2]), st.booleans(), st.sets(st.integers(0, 9), max_size=4)),
        max_size=5,
    ),
    moves=st.lists(st.tuples(st.sampled_from(["latest", "champion"]), st.integers(0, 4)), max_size=4),
    keep=st.sets(st.integers(0, 4), max_size=1),
    keep_last=st.integers(0, 2),
)


@given(past=pasts)
@settings(max_examples=60, deadline=None)
def test_whatever_goes_all_that_anybody_needs_stays_whole_and_nothing_else_stays(past: Past) -> None:
    with TemporaryDirectory() as folder:
        backend = FolderBackend(Path(folder))
        artifacts, names = past.build(backend)
        put(backend, ORPHAN, b"")
        keep = [names[run] for run in past.keep if run < len(names)]
        collect(backend, past.keep_last, keep)
        assert artifacts_in(backend) == {artifacts[n].ref for n in past.kept_artifacts()}
        assert {key.split("/")[1] for key in keys_in(backend, "runs/")} == {names[n] for n in past.kept_runs()}
        told = [found.what for found in check_store(backend).problems]
        assert [what for what in told if "the run gone" not in what and "whose end is lost" not in what] == []
        assert (ORPHAN in keys_in(backend)) == bool(past.under_way())
        assert collect(backend, past.keep_last, keep).stages == ()


RUNS = """
import sys, time
from pydantic import BaseModel
from tasks.store import Ledger, Step, claims, open_backend
from tasks.store.runs import recorded_run

claims.POLL = 0.01

class Settings(BaseModel):
    value: int

def compute(folder):
    (folder / "file").write_bytes(b"x" * 1000)
    return {}

ledger = Ledger(open_backend(sys.argv[1]))
for number in range(int(sys.argv[2])):
    # Most runs can reuse what the one before has made.
    value = Settings(value=number // 10 % 2)
    settings = {"part": {"value": value.value, "gate": "critical"}}
    with recorded_run(ledger.backend, "retrain", "laptop", settings, "photos") as run:
        artifact = "photos"
        for step in ("first", "second", "third"):
            artifact = ledger.produce(Step(step, "tasks.classes"), {"from": artifact}, value, compute)
            run.keep(step, artifact.ref, reused=artifact.reused)
        time.sleep(0.03)
        for ref in run.artifacts.values():
            assert set(ledger.get(ref).paths()) == {"file"}
    time.sleep(0.03)
"""


def test_runs_in_another_process_never_miss_what_goes_beside_them(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else all that is so new would stay while a run is under way.
    monkeypatch.setattr(housekeeping, "CLOCKS_DIFFER", timedelta(hours=-2))
    command = [sys.executable, "-c", RUNS, backend.url, "40"]
    dropped = 0
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            dropped += len(collect(backend, pause=0.05).dropped)
        assert process.stderr
        assert (process.returncode, process.stderr.read()) == (0, "")
    assert dropped > 0
    assert not check_store(backend).problems


DELETE = """
import sys, time
from datetime import UTC, datetime, timedelta
from tasks.store import housekeeping, open_backend
from tasks.store.claims import claimed
from tasks.store.inventory import take_inventory

def tell():
    print("deleting", flush=True)
    time.sleep(0.02)

housekeeping.BATCH = 1
backend = open_backend(sys.argv[1])
with claimed(backend):
    inventory = take_inventory(backend)
    plan = housekeeping.plan_gc(inventory, 1, (), datetime.now(UTC) + timedelta(hours=1))
    housekeeping.carry_out(backend, plan, tell)
"""


@pytest.mark.parametrize("after", [1, 3, 6, 9, 14])
def test_killed_deletion_leaves_only_whole_artifacts_and_the_next_one_finishes(
    backend: Backend, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = chain(backend, "stays")
    for days, name in ((2, "older"), (1, "old")):
        add_run(backend, chain(backend, name), days)
    add_run(backend, stays)
    whole = keys_in(backend)
    command = [sys.executable, "-c", DELETE, backend.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(after):
            assert process.stdout.readline() == "deleting\n"
        process.send_signal(signal.SIGKILL)
    assert not check_store(backend).problems
    with pytest.raises(StoreError, match="Another `foldline gc` deletes"):
        collect(backend, keep_last=1)
    monkeypatch.setattr(claims, "CLAIM_LASTS", timedelta(0))
    assert collect(backend, keep_last=1).stages
    assert artifacts_in(backend) == refs(stays)
    assert keys_in(backend) < whole
    assert not check_store(backend).problems
    assert not check_store(backend).leftovers
