from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from flows.champion import CHAMPION, crown, crown_if_better, present_champion
from tasks.errors import NotInStoreError, StoreUnavailableError
from tasks.store import Backend
from tasks.store.refs import count_moves, move_ref, read_ref
from tasks.store.runs import recorded_run


def finished(backend: Backend, macro_f1: float, data: str = "photos") -> str:
    with recorded_run(backend, "retrain", "laptop", {}, data) as run:
        run.scores["macro_f1"] = macro_f1
    return run.start.run


def test_first_run_is_the_champion(backend: Backend) -> None:
    run = finished(backend, 0.5)
    crowning = crown_if_better(backend, run)
    assert crowning
    assert (crowning.run, crowning.before) == (run, None)
    assert read_ref(backend, CHAMPION).run == run


def test_champion_is_replaced_only_by_a_better_run(backend: Backend) -> None:
    first = finished(backend, 0.5)
    crown_if_better(backend, first)
    assert crown_if_better(backend, finished(backend, 0.4)) is None
    assert crown_if_better(backend, finished(backend, 0.5)) is None
    better = crown_if_better(backend, finished(backend, 0.6))
    assert better
    assert (better.before, better.before_macro_f1, better.macro_f1) == (first, 0.5, 0.6)


def test_scores_on_other_data_replace_no_champion_but_a_person_can(backend: Backend) -> None:
    crown_if_better(backend, finished(backend, 0.5))
    other = finished(backend, 0.9, data="s3://bucket/photos")
    assert crown_if_better(backend, other) is None
    assert crown(backend, other)
    assert read_ref(backend, CHAMPION).run == other


def test_champion_is_crowned_once(backend: Backend) -> None:
    run = finished(backend, 0.5)
    assert crown(backend, run)
    assert crown(backend, run) is None
    assert count_moves(backend, CHAMPION) == 1


def test_of_runs_that_end_at_once_the_best_is_the_champion(backend: Backend) -> None:
    runs = [finished(backend, 0.5 + number / 10) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(partial(crown_if_better, backend), runs))
    champion = present_champion(backend)
    assert champion
    assert champion.run == runs[-1]


def test_champion_whose_run_was_deleted_is_replaced(backend: Backend) -> None:
    gone = finished(backend, 0.9)
    crown_if_better(backend, gone)
    backend.delete([f"runs/{gone}/{name}.json" for name in ("start", "manifest")])
    assert crown_if_better(backend, finished(backend, 0.5))


def test_run_without_a_score_is_no_champion_and_does_no_harm_as_one(backend: Backend) -> None:
    with suppress(ZeroDivisionError), recorded_run(backend, "retrain", "laptop", {}, "photos") as run:
        raise ZeroDivisionError
    with pytest.raises(NotInStoreError, match="no score"):
        crown(backend, run.start.run)
    assert present_champion(backend) is None
    move_ref(backend, CHAMPION, run.start.run)  # as `foldline tag` does
    crowning = crown_if_better(backend, finished(backend, 0.5))
    assert "no score" in str(crowning)


def test_run_that_has_not_ended_is_no_champion(backend: Backend) -> None:
    with recorded_run(backend, "retrain", "laptop", {}, "photos") as run, pytest.raises(NotInStoreError):
        crown(backend, run.start.run)


def test_store_that_is_away_is_waited_for(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(backend, 0.5)
    real, failures = type(backend).create, [StoreUnavailableError("away")]

    def create(self: Backend, key: str, content: bytes) -> None:
        if failures:
            raise failures.pop()
        real(self, key, content)

    monkeypatch.setattr(type(backend), "create", create)
    monkeypatch.setattr("tasks.patience.time.sleep", lambda _: None)
    assert crown_if_better(backend, run)
