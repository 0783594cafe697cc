"""Who deletes says so first, and runs wait for it: over a folder and a bucket."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from tasks.errors import StoreError
from tasks.progress import reporting_to
from tasks.store import Backend, claims
from tasks.store.claims import claimed
from tasks.store.runs import RunManifest, read_run, recorded_run
from tests.notebook import Notebook


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "POLL", 0.01)


def let_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "CLAIM_LASTS", timedelta(0))


def left(backend: Backend) -> list[str]:
    return [found.key for found in backend.list("housekeeping/")]


def test_run_waits_until_the_claim_is_gone_and_says_so(backend: Backend) -> None:
    begun = Event()
    notebook = Notebook()

    def run() -> None:
        with reporting_to(notebook), recorded_run(backend, "retrain", "laptop", {}, "photos"):
            begun.set()

    with ThreadPoolExecutor(1) as threads:
        with claimed(backend):
            running = threads.submit(run)
            assert not begun.wait(0.5)
            assert len(list(backend.list("runs/"))) == 1
        running.result(10)
    assert begun.is_set()
    (line,) = notebook.lines
    assert "Waiting until `foldline gc` has deleted what nobody needs, 15 minutes at most" in line


def test_run_waits_for_nobody_where_nobody_deletes(backend: Backend) -> None:
    notebook = Notebook()
    with claimed(backend):
        pass
    with reporting_to(notebook), recorded_run(backend, "retrain", "laptop", {}, "photos"):
        pass
    assert notebook.lines == []


def test_claim_of_a_killed_process_is_waited_for_until_it_expires(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.create("housekeeping/20260102-030405-0123abcd.json", b"{}")
    monkeypatch.setattr(claims, "CLAIM_LASTS", timedelta(seconds=2))
    began = time.monotonic()
    with recorded_run(backend, "retrain", "laptop", {}, "photos"):
        assert 0.5 < time.monotonic() - began < 10


def test_expired_claim_keeps_nobody_waiting_and_goes_with_the_next(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.create("housekeeping/20260102-030405-0123abcd.json", b"{}")
    let_expire(monkeypatch)
    notebook = Notebook()
    with reporting_to(notebook), recorded_run(backend, "retrain", "laptop", {}, "photos"):
        pass
    assert notebook.lines == []
    with claimed(backend):
        assert len(left(backend)) == 1
    assert left(backend) == []


def test_run_that_is_interrupted_while_it_waits_has_ended(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with claimed(backend), pytest.raises(KeyboardInterrupt), recorded_run(backend, "retrain", "laptop", {}, "photos"):
        pass
    (name,) = {found.key.split("/")[1] for found in backend.list("runs/")}
    assert isinstance(read_run(backend, name), RunManifest)


def test_second_claim_is_refused_and_the_first_goes_on(backend: Backend) -> None:
    with claimed(backend) as see_that_claim_lasts:
        (first,) = left(backend)
        with pytest.raises(StoreError, match=rf"Another `foldline gc` deletes.* delete .*{first}"), claimed(backend):
            pass
        assert left(backend) == [first]
        see_that_claim_lasts()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_claim_goes_with_its_block(backend: Backend, error: type[BaseException]) -> None:
    with pytest.raises(error), claimed(backend):
        raise error
    assert left(backend) == []


def test_claim_that_has_lasted_too_long_stops_deleting(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    with claimed(backend) as see_that_claim_lasts:
        see_that_claim_lasts()
        monkeypatch.setattr(claims, "DELETE_FOR", timedelta(0))
        with pytest.raises(StoreError, match=r"stopped after 0 minutes.* The same command goes on"):
            see_that_claim_lasts()


def test_what_others_keep_beside_claims_is_left_alone(backend: Backend) -> None:
    backend.create("housekeeping/Thumbs.db", b"")
    with claimed(backend):
        pass
    with recorded_run(backend, "retrain", "laptop", {}, "photos"):
        pass
    assert left(backend) == ["housekeeping/Thumbs.db"]
