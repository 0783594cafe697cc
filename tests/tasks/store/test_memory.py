"""What a step remembers: over a folder and a bucket."""

import hashlib

import pandas as pd
import pytest

from tasks.progress import reporting_to
from tasks.store import Backend, Step
from tasks.store import memory as module
from tasks.store.memory import Memory
from tasks.tables import Column, Table
from tests.notebook import Notebook
from tests.tasks.store.history import keys_in, put

STEP = Step(name="look", package="tasks.classes", libraries=("pillow",))
FACTS = Table("facts", "a content", (Column("sha256", "str", "its digest"), Column("fact", "Int8", "a number")))


def memory(backend: Backend, conditions: str = "a", step: Step = STEP) -> Memory:
    return Memory(backend, step, FACTS, conditions)


def facts(**values: int | None) -> pd.DataFrame:
    return FACTS.conform(pd.DataFrame({"sha256": list(values), "fact": list(values.values())}))


def known(found: Memory) -> dict[str, int]:
    table = found.recall()
    assert [str(kind) for kind in table.dtypes] == [str(kind) for kind in facts(x=1).dtypes]
    return dict(zip(table["sha256"], table["fact"], strict=True))


def test_what_was_found_out_is_remembered_part_by_part(backend: Backend) -> None:
    assert known(memory(backend)) == {}
    memory(backend).remember(facts(x=1, y=2))
    memory(backend).remember(facts(z=3))
    assert known(memory(backend)) == {"x": 1, "y": 2, "z": 3}


def test_other_conditions_code_or_libraries_remember_nothing_of_each_other(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(backend).remember(facts(x=1))
    assert known(memory(backend, "b")) == {}
    assert known(memory(backend, step=Step("look", "tasks.metrics", ("pillow",)))) == {}
    assert known(memory(backend, step=Step("other", "tasks.classes", ("pillow",)))) == {}
    monkeypatch.setattr("tasks.store.keys.version", lambda _: "99.0")
    assert known(memory(backend)) == {}


def test_same_part_may_be_kept_twice(backend: Backend) -> None:
    for _ in range(2):
        memory(backend).remember(facts(x=1))
    assert len(keys_in(backend, "memory/")) == 1


def test_many_parts_become_one_that_has_all(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PARTS", 3)
    for name in "abcd":
        memory(backend).remember(facts(**{name: ord(name)}))
    whole = {name: ord(name) for name in "abcd"}
    assert known(memory(backend)) == whole
    assert len(keys_in(backend, "memory/")) == 1
    assert known(memory(backend)) == whole


@pytest.mark.parametrize("content", [b"", b"another"], ids=["empty", "changed"])
def test_damaged_part_is_forgotten_and_told(backend: Backend, content: bytes) -> None:
    memory(backend).remember(facts(x=1))
    (damaged,) = keys_in(backend, "memory/")
    put(backend, damaged, content)
    memory(backend).remember(facts(y=2))
    heard = Notebook()
    with reporting_to(heard):
        assert known(memory(backend)) == {"y": 2}
    (line,) = heard.lines
    assert damaged in line
    assert line.endswith("It is forgotten.")
    assert damaged not in keys_in(backend, "memory/")


@pytest.mark.parametrize(
    "content", [b"no table", facts(x=1)[["sha256"]].to_parquet()], ids=["no table", "other columns"]
)
def test_part_that_is_no_part_of_ours_is_forgotten(backend: Backend, content: bytes) -> None:
    memory(backend).remember(facts(y=2))
    (ours,) = keys_in(backend, "memory/")
    theirs = f"{ours.rpartition('/')[0]}/{hashlib.sha256(content).hexdigest()}.parquet"
    put(backend, theirs, content)
    assert known(memory(backend)) == {"y": 2}
    assert keys_in(backend, "memory/") == {ours}


def test_part_that_another_process_has_just_merged_is_no_error(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(backend).remember(facts(x=1))
    memory(backend).remember(facts(y=2))
    gone, _ = sorted(keys_in(backend, "memory/"))
    listed = list(backend.list("memory/"))
    backend.delete([gone])
    monkeypatch.setattr(backend, "list", lambda _: iter(listed))
    assert known(memory(backend)) in ({"x": 1}, {"y": 2})
