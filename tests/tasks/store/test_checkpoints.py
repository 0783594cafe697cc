"""Checkpoints are seen whole or not at all, whoever is killed and whoever else writes: over a folder and a bucket."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
from pydantic import JsonValue

from tasks.errors import StoreError
from tasks.progress import reporting_to
from tasks.store import ArtifactRef, Backend, Ledger, Step, open_backend
from tasks.store.checkpoints import Checkpoint, Checkpoints, checkpoint_key
from tasks.store.folder import FolderBackend
from tasks.store.manifest import FileEntry
from tests.notebook import Notebook
from tests.tasks.store.history import keys_in, make, put

REF = ArtifactRef(step="training", key="0" * 64)
FILES = ("deep/weights", "state")
STEP = Step("some", "tasks.classes")


def writer(content: str) -> Callable[[Path], None]:
    """Writes two files with this content, one in a folder."""

    def write(folder: Path) -> None:
        for name in FILES:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)

    return write


def content(checkpoint: Checkpoint | None) -> tuple[int, str]:
    """Number and content of a checkpoint that `writer` has written."""
    assert checkpoint
    assert checkpoint.paths.keys() == set(FILES)
    (text,) = {path.read_text() for path in checkpoint.paths.values()}
    return checkpoint.number, text


def numbers(backend: Backend) -> set[str]:
    """Of all checkpoints, and of their files."""
    return {key.split("/")[3].removesuffix(".json") for key in keys_in(backend, "checkpoints/")}


@pytest.fixture
def checkpoints(backend: Backend) -> Checkpoints:
    return Checkpoints(backend, REF)


def test_newest_checkpoint_is_handed_out_and_those_before_it_are_gone(
    backend: Backend, checkpoints: Checkpoints
) -> None:
    assert checkpoints.latest() is None
    for number in (1, 2, 10):
        checkpoints.save(number, writer(f"state {number}"))
        assert content(Checkpoints(backend, REF).latest()) == (number, f"state {number}")
        assert numbers(backend) == {f"{number:06}"}
    assert len(keys_in(backend, "checkpoints/")) == 3


def test_checkpoint_with_the_bytes_of_the_one_before_outlives_it(checkpoints: Checkpoints) -> None:
    for number in (1, 2):
        checkpoints.save(number, writer("the same"))
    assert content(checkpoints.latest()) == (2, "the same")


def test_checkpoints_of_other_artifacts_and_what_others_keep_are_left_alone(
    backend: Backend, checkpoints: Checkpoints
) -> None:
    other = Checkpoints(backend, ArtifactRef(step="training", key="1" * 64))
    foreign = f"checkpoints/{REF}/notes.md"
    backend.create(foreign, b"theirs")
    other.save(1, writer("other"))
    checkpoints.save(5, writer("mine"))
    checkpoints.drop()
    assert content(other.latest()) == (1, "other")
    assert foreign in keys_in(backend, "checkpoints/")


def test_nothing_is_left_of_dropped_checkpoints(backend: Backend, checkpoints: Checkpoints) -> None:
    checkpoints.save(1, writer("state"))
    put(backend, f"checkpoints/{REF}/000002/{'1' * 12}/state", b"of a killed process")
    checkpoints.drop()
    assert keys_in(backend, "checkpoints/") == set()
    assert checkpoints.latest() is None


def test_of_two_who_save_the_same_number_the_first_counts_and_nothing_is_lost(
    backend: Backend, checkpoints: Checkpoints
) -> None:
    checkpoints.save(1, writer("first"))
    Checkpoints(backend, REF).save(1, writer("second"))
    assert content(checkpoints.latest()) == (1, "first")


def test_failed_writer_saves_nothing(backend: Backend, checkpoints: Checkpoints) -> None:
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(1, lambda _: print(1 // 0))
    assert keys_in(backend, "checkpoints/") == set()


class Killed(BaseException):
    """Stands for a kill."""


class Mortal:
    """A backend whose process is killed in the middle of its operation number `life`, with half of it done."""

    def __init__(self, backend: Backend, life: int) -> None:
        self._backend = backend
        self._operations = iter(range(life))

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def create(self, key: str, text: bytes) -> None:
        self._count()
        self._backend.create(key, text)

    def upload(self, folder: Path, root: str, files: Mapping[str, FileEntry]) -> None:
        first = dict(list(files.items())[:1])
        self._count(lambda: self._backend.upload(folder, root, first))
        self._backend.upload(folder, root, files)

    def delete(self, keys: Iterable[str]) -> None:
        every = list(keys)
        self._count(lambda: self._backend.delete(every[:1]))
        self._backend.delete(every)

    def list(self, prefix: str) -> Iterator[object]:
        self._count()
        return self._backend.list(prefix)

    def _count(self, half: Callable[[], None] = lambda: None) -> None:
        if next(self._operations, None) is None:
            half()
            raise Killed


def mortal(backend: Backend, life: int) -> Checkpoints:
    return Checkpoints(Mortal(backend, life), REF)  # type: ignore[arg-type]


def test_whenever_a_save_is_killed_the_old_or_the_new_state_is_whole_and_the_next_save_tidies_up(
    backend: Backend, checkpoints: Checkpoints
) -> None:
    seen, number = [], 1
    checkpoints.save(number, writer("state 1"))
    for life in count():
        try:
            mortal(backend, life).save(number + 1, writer(f"state {number + 1}"))
        except Killed:
            pass
        else:
            break
        found = content(checkpoints.latest())
        assert found in {(n, f"state {n}") for n in (number, number + 1)}
        seen.append(found[0] - number)
        number += 2
        checkpoints.save(number, writer(f"state {number}"))
        assert numbers(backend) == {f"{number:06}"}
    assert seen == [0, 0, 1, 1, 1]  # upload, create; list, delete manifests, delete files


def test_whenever_a_drop_is_killed_no_half_checkpoint_is_left(backend: Backend, checkpoints: Checkpoints) -> None:
    notebook = Notebook()
    for life in count():
        checkpoints.save(1, writer("state"))
        try:
            mortal(backend, life).drop()
        except Killed:
            with reporting_to(notebook):
                found = Checkpoints(backend, REF).latest()
            assert found is None or content(found) == (1, "state")
        else:
            break
    assert life == 3
    assert notebook.lines == []


@pytest.fixture
def elsewhere(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Checkpoints]:
    """Looks at the checkpoints as another machine would, with a cache of its own, empty each time."""
    machines = count()

    def look() -> Checkpoints:
        monkeypatch.setenv("FOLDLINE_CACHE", str(tmp_path / f"cache-{next(machines)}"))
        return Checkpoints(open_backend(backend.url), REF)

    return look


def file_of(backend: Backend, number: int) -> str:
    """Key of a file of a checkpoint."""
    return next(found.key for found in backend.list(f"checkpoints/{REF}/{number:06}/") if found.key.endswith("/state"))


DAMAGE: dict[str, Callable[[Backend], None]] = {
    "changed": lambda backend: put(backend, file_of(backend, 2), b"State 2"),
    "cut off": lambda backend: put(backend, file_of(backend, 2), b"st"),
    "gone": lambda backend: backend.delete([file_of(backend, 2)]),
    "manifest torn": lambda backend: put(backend, checkpoint_key(REF, 2), b'{"folder'),
    "manifest of another version": lambda backend: put(backend, checkpoint_key(REF, 2), b'{"files": []}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("older", [True, False], ids=["after another", "alone"])
def test_damaged_checkpoint_is_named_and_the_one_before_it_is_used_if_there_is_one(
    backend: Backend, elsewhere: Callable[[], Checkpoints], damage: Callable[[Backend], None], older: bool
) -> None:
    elsewhere().save(2, writer("state 2"))
    if older:
        elsewhere().save(1, writer("state 1"))
    damage(backend)
    notebook = Notebook()
    with reporting_to(notebook):
        found = elsewhere().latest()
    assert (content(found) == (1, "state 1")) if older else (found is None)
    (line,) = notebook.lines
    instead = "the one before it, 1, is used" if older else "all begins anew"
    assert line == (f"The checkpoint {backend.url}/{checkpoint_key(REF, 2)} was damaged and is forgotten: {instead}.")


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_number_of_a_damaged_checkpoint_can_be_saved_again(
    backend: Backend, elsewhere: Callable[[], Checkpoints], damage: Callable[[Backend], None]
) -> None:
    elsewhere().save(2, writer("state 2"))
    damage(backend)
    assert elsewhere().latest() is None
    elsewhere().save(2, writer("state 2"))
    assert content(elsewhere().latest()) == (2, "state 2")


def test_file_that_the_disk_no_longer_gives_is_damaged(tmp_path: Path) -> None:
    class Broken(FolderBackend):
        def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
            raise OSError(5, "Input/output error", f"{root}/{len(files)}")

    Checkpoints(FolderBackend(tmp_path), REF).save(1, writer("state"))
    assert Checkpoints(Broken(tmp_path), REF).latest() is None


def test_store_that_cannot_be_reached_is_no_damage(tmp_path: Path) -> None:
    class Away(FolderBackend):
        def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
            raise StoreError(f"{root} cannot be reached, nor its {len(files)} files")

    checkpoints = Checkpoints(FolderBackend(tmp_path), REF)
    checkpoints.save(1, writer("state"))
    with pytest.raises(StoreError, match="cannot be reached"):
        Checkpoints(Away(tmp_path), REF).latest()
    assert content(checkpoints.latest()) == (1, "state")


def test_checkpoint_that_another_process_deletes_just_now_is_no_damage(tmp_path: Path) -> None:
    class Late(FolderBackend):
        """Another process saves the next checkpoint whenever this one is about to read."""

        def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
            if "/000001/" in root:
                Checkpoints(FolderBackend(tmp_path), REF).save(2, writer("state 2"))
            return super().download(root, files)

    Checkpoints(FolderBackend(tmp_path), REF).save(1, writer("state 1"))
    notebook = Notebook()
    with reporting_to(notebook):
        assert content(Checkpoints(Late(tmp_path), REF).latest()) == (2, "state 2")
    assert notebook.lines == []


def test_files_that_were_handed_out_stay_whatever_others_do(backend: Backend, checkpoints: Checkpoints) -> None:
    checkpoints.save(1, writer("state 1"))
    found = checkpoints.latest()
    other = Checkpoints(backend, REF)
    other.save(2, writer("state 2"))
    other.drop()
    assert content(found) == (1, "state 1")


WORK = """
import os, sys
from pathlib import Path
from tasks.store import ArtifactRef, open_backend
from tasks.store.checkpoints import Checkpoints

checkpoints = Checkpoints(open_backend(sys.argv[1]), ArtifactRef(step="training", key="0" * 64))
own = os.getpid() if sys.argv[3] == "own" else 0
found = checkpoints.latest()
if found:
    # Both files are those of one writer, and of that number.
    (text,) = {path.read_text() for path in found.paths.values()}
    assert text.split()[0] == str(found.number), (text, found.number)
last = found.number if found else 0
print("from", last, flush=True)
for number in range(last + 1, int(sys.argv[2]) + 1):
    def write(folder):
        (folder / "deep").mkdir()
        for name in ("deep/weights", "state"):
            (folder / name).write_text(f"{number} {own} " + "x" * 100_000)
    checkpoints.save(number, write)
    print("saved", number, flush=True)
checkpoints.drop()
"""


def work(backend: Backend, last: int, content: str) -> "subprocess.Popen[str]":
    """A process that goes on from the latest checkpoint, saves more up to `last`, and drops them."""
    command = [sys.executable, "-c", WORK, backend.url, str(last), content]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_worker_that_is_killed_at_any_moment_loses_nothing_that_it_had_saved(backend: Backend) -> None:
    saved = 0
    for pause in (0, 0.002, 0.005, 0.01, 0.02, 0.03):
        with work(backend, 10**6, "same") as process:
            assert process.stdout
            assert int(process.stdout.readline().split()[1]) >= saved
            for _ in range(3):
                saved = int(process.stdout.readline().split()[1])
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        found = Checkpoints(backend, REF).latest()
        assert found
        assert found.number >= saved
    assert saved >= 18


@pytest.mark.parametrize("same", ["same", "own"], ids=["same bytes", "other bytes"])
def test_processes_that_make_the_same_artifact_do_not_disturb_each_other(backend: Backend, same: str) -> None:
    workers = [work(backend, 25, same) for _ in range(3)]
    ends = [(worker.communicate()[1], worker.returncode) for worker in workers]
    assert ends == [("", 0)] * 3
    Checkpoints(backend, REF).drop()
    assert keys_in(backend, "checkpoints/") == set()


def test_checkpoints_go_once_their_artifact_is_in_the_store(backend: Backend) -> None:
    ledger = Ledger(backend)
    checkpoints = ledger.checkpoints(STEP, {"data": "x"}, None)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        checkpoints.save(1, writer("state"))
        writer("result")(folder)
        assert ledger.find("some", checkpoints.ref.key) is None
        return {}

    artifact = ledger.produce(STEP, {"data": "x"}, None, compute, checkpoints)
    assert artifact.ref == checkpoints.ref
    assert keys_in(backend, "checkpoints/") == set()


def test_checkpoints_stay_if_making_the_artifact_fails(backend: Backend) -> None:
    ledger = Ledger(backend)
    checkpoints = ledger.checkpoints(STEP, {"data": "x"}, None)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        checkpoints.save(1, writer("state"))
        raise ZeroDivisionError(folder)

    with pytest.raises(ZeroDivisionError):
        ledger.produce(STEP, {"data": "x"}, None, compute, checkpoints)
    assert content(ledger.checkpoints(STEP, {"data": "x"}, None).latest()) == (1, "state")


def test_checkpoints_go_too_if_somebody_else_was_first_to_make_the_artifact(backend: Backend) -> None:
    ledger = Ledger(backend)
    checkpoints = ledger.checkpoints(STEP, {}, None)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        checkpoints.save(1, writer("state"))
        writer("ours")(folder)
        make(backend, "some")
        return {}

    assert ledger.produce(STEP, {}, None, compute, checkpoints).reused
    assert keys_in(backend, "checkpoints/") == set()


def test_checkpoints_whose_owner_was_killed_between_making_and_dropping_go_with_the_next_use(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(backend)
    checkpoints = ledger.checkpoints(STEP, {}, None)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        checkpoints.save(1, writer("state"))
        writer("result")(folder)
        return {}

    with monkeypatch.context() as killed:
        killed.setattr(Checkpoints, "drop", lambda _: None)
        made = ledger.produce(STEP, {}, None, compute, checkpoints)
    assert keys_in(backend, "checkpoints/")
    again = ledger.produce(STEP, {}, None, compute, ledger.checkpoints(STEP, {}, None))
    assert (again.ref, again.reused) == (made.ref, True)
    assert keys_in(backend, "checkpoints/") == set()


def test_folder_keeps_no_empty_folders_and_no_links_of_dropped_checkpoints(tmp_path: Path) -> None:
    checkpoints = Checkpoints(FolderBackend(tmp_path), REF)
    checkpoints.save(1, writer("state"))
    checkpoints.latest()
    checkpoints.drop()
    assert list((tmp_path / "checkpoints/training").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []
