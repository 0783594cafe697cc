import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasks.errors import AlreadyExistsError, CorruptFileError, DataError, NotInStoreError, StoreUnavailableError
from tasks.store import ArtifactRef, Ledger
from tasks.store.folder import FolderBackend
from tasks.store.refs import advance_ref, move_ref, read_ref, ref_names
from tasks.store.runs import RunManifest, RunStart, advance_latest, find_run, list_runs, read_run, recorded_run

REF = ArtifactRef(step="catalog", key="abc")


def finished(ledger: Ledger, experiment: str = "laptop") -> str:
    with recorded_run(ledger.backend, "retrain", experiment, {"a": 1}, "photos") as run:
        run.keep("catalog", REF, reused=True)
        run.scores["macro_f1"] = 0.5
    return run.start.run


def test_run_is_in_the_store_from_its_start(ledger: Ledger) -> None:
    with recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run:
        found = read_run(ledger.backend, run.start.run)
        assert isinstance(found, RunStart)
        assert not isinstance(found, RunManifest)
        assert list_runs(ledger.backend) == {found.run: found}


def test_ended_run_says_what_it_used_and_made(ledger: Ledger) -> None:
    run = read_run(ledger.backend, finished(ledger))
    assert isinstance(run, RunManifest)
    assert (run.state, run.artifacts, run.reused) == ("completed", {"catalog": REF}, ("catalog",))
    assert (run.scores, run.settings, run.error) == ({"macro_f1": 0.5}, {"a": 1}, None)


@pytest.mark.parametrize(
    ("error", "told", "traced"),
    [(DataError("3 photos are torn."), "3 photos are torn.", False), (ZeroDivisionError("bug"), "bug", True)],
    ids=["a person's mistake", "a bug"],
)
def test_failed_run_tells_a_mistake_in_its_own_words_and_a_bug_with_where_it_is(
    ledger: Ledger, error: Exception, told: str, traced: bool
) -> None:
    with pytest.raises(type(error)), recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run:
        raise error
    failed = read_run(ledger.backend, run.start.run)
    assert isinstance(failed, RunManifest)
    assert failed.error
    assert failed.state == "failed"
    assert told in failed.error
    assert ("Traceback" in failed.error) == traced


def test_interrupted_run_has_failed(ledger: Ledger) -> None:
    with pytest.raises(KeyboardInterrupt), recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run:
        raise KeyboardInterrupt
    manifest = json.loads(ledger.backend.read(f"runs/{run.start.run}/manifest.json"))
    assert manifest["state"] == "failed"


def test_runs_are_listed_oldest_first(ledger: Ledger) -> None:
    names = [finished(ledger) for _ in range(5)]
    for damaged in ("20251231-235959-laptop-1234", "29990102-030405-laptop-1234"):
        ledger.backend.create(f"runs/{damaged}/start.json", b"")
    ledger.backend.create("runs/.DS_Store", b"")
    first, *rest, last = list_runs(ledger.backend).items()
    assert (first, last) == (("20251231-235959-laptop-1234", None), ("29990102-030405-laptop-1234", None))
    assert [name for name, run in rest if run] == names


@pytest.mark.parametrize("content", ["", '{"run": "x", "of": "another version"}'])
def test_damaged_run_is_an_error_that_names_it(ledger: Ledger, content: str) -> None:
    name = finished(ledger)
    (Path(ledger.backend.url) / f"runs/{name}/manifest.json").write_text(content)
    with pytest.raises(CorruptFileError, match=f"runs/{name} is damaged, or of another version of Foldline"):
        find_run(ledger.backend, name)


def test_damaged_latest_is_an_error_that_says_how_to_go_on_and_the_next_run_moves_it(ledger: Ledger) -> None:
    first, second = finished(ledger), finished(ledger)
    advance_latest(ledger.backend, first)
    ledger.backend.create("refs/latest/Thumbs.db", b"")
    ledger.backend.create("refs/latest/000002.json", b"")
    with pytest.raises(CorruptFileError, match=r"000002\.json is damaged\. Delete it"):
        find_run(ledger.backend, "latest")
    advance_latest(ledger.backend, second)
    assert find_run(ledger.backend, "latest").run == second


def test_latest_run_that_was_deleted_is_an_error_that_says_how_to_look(ledger: Ledger) -> None:
    advance_latest(ledger.backend, "gone")
    with pytest.raises(NotInStoreError, match=r"There is no run gone in .*`foldline runs` lists all runs"):
        find_run(ledger.backend, "latest")


def test_run_is_found_by_its_name_its_start_or_its_end(ledger: Ledger) -> None:
    first, second = finished(ledger, "one"), finished(ledger, "two")
    assert find_run(ledger.backend, first).run == first
    assert find_run(ledger.backend, second[-8:]).run == second
    assert find_run(ledger.backend, first[:20]).run == first


def test_name_that_many_runs_have_is_an_error_that_counts_them(ledger: Ledger) -> None:
    first, *_ = [finished(ledger) for _ in range(3)]
    with pytest.raises(NotInStoreError, match=r"3 runs match '20', such as .* lists all 3 runs"):
        find_run(ledger.backend, first[:2])
    with pytest.raises(NotInStoreError, match="no run matches 'nothing'"):
        find_run(ledger.backend, "nothing")


def test_tag_means_its_run_but_a_run_of_that_name_comes_first(ledger: Ledger) -> None:
    first, second = finished(ledger, "one"), finished(ledger, "two")
    move_ref(ledger.backend, "two", first)
    assert find_run(ledger.backend, "two").run == first
    move_ref(ledger.backend, second, first)
    assert find_run(ledger.backend, second).run == second


def test_error_about_an_unknown_name_suggests_what_it_resembles(ledger: Ledger) -> None:
    run = finished(ledger)
    move_ref(ledger.backend, "champion", run)
    for wanted, close in (("champoin", "champion"), (f"{run[:-1]}x", run), (f"laptob-{run[-4:]}", run)):
        with pytest.raises(NotInStoreError, match=rf"no run matches '{wanted}'\. Did you mean {close}\? `foldline"):
            find_run(ledger.backend, wanted)


@pytest.mark.parametrize("wanted", ["../runs", "..", "*", "a/b"])
def test_what_can_be_no_name_matches_nothing(ledger: Ledger, wanted: str) -> None:
    with pytest.raises(NotInStoreError, match="no run matches"):
        find_run(ledger.backend, wanted)


def test_latest_is_the_run_that_moved_it_last(ledger: Ledger) -> None:
    with pytest.raises(NotInStoreError, match=r"No run of .* has made a submission yet"):
        find_run(ledger.backend, "latest")
    first, second = finished(ledger), finished(ledger)
    for name in (first, second):
        advance_latest(ledger.backend, name)
    assert find_run(ledger.backend, "latest").run == second
    assert read_ref(ledger.backend, "latest").number == 2


def test_of_two_who_move_a_ref_at_once_one_loses_and_knows(ledger: Ledger) -> None:
    advance_ref(ledger.backend, "champion", "first", after=0)
    with pytest.raises(AlreadyExistsError):
        advance_ref(ledger.backend, "champion", "second", after=0)
    assert read_ref(ledger.backend, "champion").run == "first"
    advance_ref(ledger.backend, "champion", "second", after=1)
    assert read_ref(ledger.backend, "champion").run == "second"


def test_all_who_move_a_ref_at_once_get_their_turn_and_the_last_counts(ledger: Ledger) -> None:
    def move(number: int) -> None:
        move_ref(ledger.backend, "champion", f"run-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(move, range(40)))
    assert read_ref(ledger.backend, "champion").number == 40
    found = [json.loads(ledger.backend.read(entry.key))["run"] for entry in ledger.backend.list("refs/champion/")]
    assert sorted(found) == sorted(f"run-{number}" for number in range(40))
    assert ref_names(ledger.backend) == ["champion"]


def test_ten_thousandth_move_of_a_ref_is_still_the_last(ledger: Ledger) -> None:
    for number in (8, 9, 10, 99_999):
        advance_ref(ledger.backend, "latest", f"run-{number}", after=number)
    assert read_ref(ledger.backend, "latest").run == "run-99999"


class Flaky:
    """Lets a backend's `create` fail as it does when the store goes away: before it is reached, or after."""

    def __init__(self, backend: FolderBackend, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before, self.after = 0, 0
        real = backend.create

        def create(key: str, content: bytes) -> None:
            if self.before:
                self.before -= 1
                raise StoreUnavailableError("away")
            real(key, content)
            if self.after:
                self.after -= 1
                raise StoreUnavailableError("the answer was lost")

        monkeypatch.setattr(backend, "create", create)
        monkeypatch.setattr("tasks.patience.time.sleep", lambda _: None)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_run_waits_for_a_store_that_is_away_when_it_starts_and_when_it_ends(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = FolderBackend(tmp_path / "store")
    flaky = Flaky(backend, monkeypatch)
    setattr(flaky, lost, 2 if lost == "before" else 1)
    with recorded_run(backend, "retrain", "laptop", {}, "photos") as run:
        setattr(flaky, lost, 2 if lost == "before" else 1)
    found = read_run(backend, run.start.run)
    assert isinstance(found, RunManifest)
    assert found.state == "completed"


def test_process_that_is_being_ended_does_not_wait_for_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = FolderBackend(tmp_path / "store")
    flaky = Flaky(backend, monkeypatch)
    stack = ExitStack()
    stack.enter_context(recorded_run(backend, "retrain", "laptop", {}, "photos"))
    flaky.before = 10_000
    with pytest.raises(KeyboardInterrupt), stack:
        raise KeyboardInterrupt
    assert flaky.before == 9_999
