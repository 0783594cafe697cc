"""Every kind of damage is found and named, and nothing that is well: over a folder and a bucket."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import NotInStoreError
from tasks.progress import reporting_to
from tasks.store import Artifact, ArtifactRef, Backend
from tasks.store.checkpoints import Checkpoints
from tasks.store.folder import FolderBackend
from tasks.store.fsck import check_store
from tasks.store.listing import see_that_it_is_a_store
from tasks.store.manifest import FileEntry
from tasks.store.refs import move_ref, read_ref
from tasks.store.runs import recorded_run
from tests.notebook import Notebook
from tests.tasks.store.history import add_run, collect, keys_in, make, put, save_checkpoint, start_run

UNMADE = ArtifactRef(step="training", key="0" * 64)
"""An artifact that is still being made."""


@pytest.fixture
def artifacts(backend: Backend) -> list[Artifact]:
    """Three artifacts, the second and the third made from the first, and two runs that a ref has pointed to."""
    first = make(backend, "first", {"data": "x"})
    made = [first, make(backend, "second", {"first": first, "data": "y"}), make(backend, "third", {"first": first}, 1)]
    for number, name in enumerate(("champion", "latest")):
        move_ref(backend, name, add_run(backend, made[number : number + 2]))
    return made


def manifest_key(artifact: Artifact) -> str:
    return f"steps/{artifact.ref}/manifest.json"


def rewrite(backend: Backend, key: str, change: Callable[[Any], object]) -> None:
    """Change what a JSON object says."""
    content = json.loads(backend.read(key))
    change(content)
    put(backend, key, json.dumps(content).encode())


def problems(backend: Backend) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in check_store(backend).problems]


def test_store_that_is_well_passes_and_is_counted(backend: Backend, artifacts: list[Artifact]) -> None:
    health = check_store(backend)
    assert (health.problems, health.leftovers) == ((), ())
    assert (health.artifacts, health.files) == (3, 6)
    assert health.size == sum(entry.size for artifact in artifacts for entry in artifact.manifest.files.values())


def test_place_without_a_store_is_told(backend: Backend) -> None:
    with pytest.raises(NotInStoreError, match=r"There is no store in .* Is it the right place\?"):
        see_that_it_is_a_store(backend)
    start_run(backend, {})
    see_that_it_is_a_store(backend)


def test_latest_run_whose_end_is_lost_is_named(backend: Backend, artifacts: list[Artifact]) -> None:
    assert artifacts
    latest = read_ref(backend, "latest").run
    backend.delete([f"runs/{latest}/manifest.json"])
    assert problems(backend) == [("refs/latest/000001.json", f"points to the run {latest}, whose end is lost")]


def test_store_with_a_run_under_way_passes_and_its_uploads_are_leftovers(
    backend: Backend, artifacts: list[Artifact]
) -> None:
    with recorded_run(backend, "retrain", "laptop", {}, "photos") as run:
        run.keep("first", artifacts[0].ref, reused=True)
        put(backend, f"steps/first/{'0' * 64}/{'1' * 12}/file", b"uploading")
        health = check_store(backend)
    assert (health.problems, len(health.leftovers)) == ((), 1)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"numberz", "is damaged: its bytes are not those that its manifest names"),
        (b"num", "is damaged: it has 3 bytes, and its manifest names 7"),
        (None, "is lost"),
    ],
    ids=["changed", "cut off", "lost"],
)
def test_damaged_file_is_named(backend: Backend, artifacts: list[Artifact], content: bytes | None, what: str) -> None:
    key = f"{artifacts[0].root}/table"
    backend.delete([key])
    if content is not None:
        put(backend, key, content)
    assert problems(backend) == [(key, what)]
    assert "Delete the folder that holds its manifest.json" in str(check_store(backend).problems[0])


def test_torn_manifest_is_named_and_hides_nothing_else(backend: Backend, artifacts: list[Artifact]) -> None:
    key, other = manifest_key(artifacts[0]), f"{artifacts[1].root}/table"
    put(backend, key, backend.read(key)[:-5])
    put(backend, other, b"")
    assert [where for where, _ in problems(backend)] == sorted([key, other])
    assert check_store(backend).leftovers == ()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda said: said["inputs"].update(data="z"), "has a key that is not the digest of what it names"),
        (lambda said: said["settings"].update(value=2), "has a key that is not the digest of what it names"),
        (lambda said: said["libraries"].update(numpy="0"), "has a key that is not the digest of what it names"),
        (lambda said: said.update(code="0" * 64), "has a key that is not the digest of what it names"),
        (lambda said: said.update(folder="0" * 12), "has a folder that is not the digest of its files"),
        (lambda said: said["files"].pop("table"), "has a folder that is not the digest of its files"),
    ],
    ids=["input", "setting", "library", "code", "folder", "files"],
)
def test_manifest_that_contradicts_itself_is_named(
    backend: Backend, artifacts: list[Artifact], change: Callable[[Any], object], what: str
) -> None:
    key = manifest_key(artifacts[2])
    rewrite(backend, key, change)
    assert problems(backend) == [(key, what)]


def test_manifest_of_another_artifact_is_named(backend: Backend, artifacts: list[Artifact]) -> None:
    put(backend, manifest_key(artifacts[2]), backend.read(manifest_key(artifacts[1])))
    assert problems(backend) == [(manifest_key(artifacts[2]), "is not of the artifact that it lies with")]


def test_lost_artifact_is_named_by_all_that_refer_to_it(backend: Backend, artifacts: list[Artifact]) -> None:
    first = artifacts[0]
    backend.delete([manifest_key(first)])
    found = problems(backend)
    assert [what for _, what in found] == [
        f"names a0, {first.ref}, which is lost",
        *[f"was made from {first.ref}, which is lost"] * 2,
    ]
    assert [where for where, _ in found[1:]] == [manifest_key(artifact) for artifact in artifacts[1:]]
    assert found[0][0].startswith("runs/")


@pytest.mark.parametrize("which", ["start", "manifest"])
def test_damaged_run_is_named(backend: Backend, artifacts: list[Artifact], which: str) -> None:
    key = f"runs/{add_run(backend, artifacts)}/{which}.json"
    put(backend, key, b'{"of": "another version"}')
    assert problems(backend) == [(key, "is damaged, or of another version of Foldline")]


def test_damaged_ref_is_named(backend: Backend, artifacts: list[Artifact]) -> None:
    put(backend, "refs/champion/000001.json", b"{")
    assert artifacts
    assert problems(backend) == [("refs/champion/000001.json", "is damaged, or of another version of Foldline")]


def test_ref_whose_run_is_lost_is_named_unless_latest_has_moved_on(backend: Backend, artifacts: list[Artifact]) -> None:
    stays = add_run(backend, artifacts)
    for name in ("champion", "latest"):
        for run in ("gone", stays):
            move_ref(backend, name, run)
    assert problems(backend) == [("refs/champion/000002.json", "points to the run gone, which is lost")]
    move_ref(backend, "latest", "gone too")
    assert ("refs/latest/000004.json", "points to the run gone too, which is lost") in problems(backend)


def test_damaged_record_of_code_is_named(backend: Backend, artifacts: list[Artifact]) -> None:
    key = f"code/{artifacts[0].manifest.code}.json"
    put(backend, key, b"[]")
    assert problems(backend) == [(key, "is damaged, or of another version of Foldline")]


def test_damaged_part_of_a_memory_is_named(backend: Backend, artifacts: list[Artifact]) -> None:
    part = f"memory/{artifacts[0].manifest.code}/{'4' * 16}/{hashlib.sha256(b'facts').hexdigest()}.parquet"
    put(backend, part, b"facts")
    health = check_store(backend)
    assert (health.problems, health.leftovers) == ((), ())
    put(backend, part, b"other facts")
    assert problems(backend) == [(part, "is damaged, or of another version of Foldline")]


def test_what_belongs_to_nothing_is_a_leftover_and_no_problem(backend: Backend, artifacts: list[Artifact]) -> None:
    left = {
        f"code/{'0' * 64}.json": b"{}",
        f"steps/first/{'0' * 64}/{'1' * 12}/file": b"killed",
        f"steps/{artifacts[0].ref}/{'1' * 12}/file": b"lost a race",
    }
    for key, content in left.items():
        put(backend, key, content)
    health = check_store(backend)
    assert health.problems == ()
    assert {found.key for found in health.leftovers} == left.keys()
    start_run(backend, {}, days_ago=8)
    collect(backend, keep_last=10)
    assert check_store(backend).leftovers == ()
    assert keys_in(backend, "steps/")


def test_checkpoint_of_an_artifact_that_is_not_made_is_read_and_well(
    backend: Backend, artifacts: list[Artifact]
) -> None:
    save_checkpoint(backend, UNMADE)
    health = check_store(backend)
    assert (health.problems, health.leftovers, health.artifacts) == ((), (), len(artifacts))
    assert health.files == 7


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"State 1", "is damaged: its bytes are not those that its manifest names"),
        (b"st", "is damaged: it has 2 bytes, and its manifest names 7"),
        (None, "is lost"),
    ],
    ids=["changed", "cut off", "lost"],
)
def test_damaged_file_of_a_checkpoint_is_named_with_what_to_delete(
    backend: Backend, content: bytes | None, what: str
) -> None:
    manifest = save_checkpoint(backend, UNMADE)
    (key,) = keys_in(backend, "checkpoints/") - {manifest}
    backend.delete([key])
    if content is not None:
        put(backend, key, content)
    (problem,) = check_store(backend).problems
    remedy = f"Delete {manifest}: training then goes on from the one before, or begins anew."
    assert str(problem) == f"{key} {what}. {remedy}"
    backend.delete([manifest])
    assert check_store(backend).problems == ()


def test_damaged_manifest_of_a_checkpoint_is_named(backend: Backend) -> None:
    manifest = save_checkpoint(backend, UNMADE)
    put(backend, manifest, b"{")
    health = check_store(backend)
    (problem,) = health.problems
    assert (problem.where, problem.what) == (manifest, "is damaged, or of another version of Foldline")
    assert problem.remedy == "Delete it: training then goes on from the one before, or begins anew."
    assert health.leftovers == ()


def test_checkpoint_that_is_deleted_meanwhile_is_no_problem(tmp_path: Path) -> None:
    class Busy(FolderBackend):
        def describe(self, key: str) -> FileEntry:
            Checkpoints(FolderBackend(tmp_path), UNMADE).drop()
            return super().describe(key)

    save_checkpoint(FolderBackend(tmp_path), UNMADE)
    assert problems(Busy(tmp_path)) == []


def test_checkpoint_that_nobody_needs_and_files_that_none_names_are_leftovers(
    backend: Backend, artifacts: list[Artifact]
) -> None:
    unneeded = save_checkpoint(backend, artifacts[0].ref)
    left = keys_in(backend, "checkpoints/")
    whole = save_checkpoint(backend, UNMADE).removesuffix(".json")
    strays = {f"{whole}/{'1' * 12}/state", f"{whole[:-1]}2/{'1' * 12}/state"}
    for key in strays:
        put(backend, key, b"left")
    health = check_store(backend)
    assert health.problems == ()
    assert unneeded in left
    assert {found.key for found in health.leftovers} == left | strays
    collect(backend, keep_last=10)
    assert check_store(backend).leftovers == ()


def test_progress_is_told_of_all_that_is_read(backend: Backend, artifacts: list[Artifact]) -> None:
    save_checkpoint(backend, UNMADE)
    notebook = Notebook()
    with reporting_to(notebook):
        check_store(backend)
    assert artifacts
    assert [line for line in notebook.lines if re.search(r"\d", line) and "+" not in line] == [
        "Manifests 3",
        "Checkpoints 1",
        "Files 7",
        "Runs 4",
        "Refs 2",
        "Code 1",
        "Memory 0",
    ]


class Forgetful(FolderBackend):
    """Gives wrong answers the first time that it is asked about an object, as a bad network may."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: set[str] = set()

    def describe(self, key: str) -> FileEntry:
        if key in self.asked:
            return super().describe(key)
        self.asked.add(key)
        return FileEntry(sha256="0" * 64, size=7)

    def read(self, key: str) -> bytes:
        if key in self.asked or not key.endswith("/manifest.json"):
            return super().read(key)
        self.asked.add(key)
        return b"{"


def test_what_is_well_at_the_second_look_is_no_problem(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path)
    artifact = make(backend, "first", {"data": "x"})
    add_run(backend, [artifact])
    forgetful = Forgetful(tmp_path)
    assert problems(forgetful) == []
    assert {f"{artifact.root}/table", manifest_key(artifact)} < forgetful.asked


def test_file_that_the_disk_no_longer_gives_is_named(tmp_path: Path) -> None:
    class Broken(FolderBackend):
        def describe(self, key: str) -> FileEntry:
            if key.endswith("/table"):
                raise OSError(5, "Input/output error", key)
            return super().describe(key)

    artifact = make(FolderBackend(tmp_path), "first")
    assert problems(Broken(tmp_path)) == [(f"{artifact.root}/table", "cannot be read (Input/output error)")]
