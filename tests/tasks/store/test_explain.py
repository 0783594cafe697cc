from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from tasks.store import Backend, Ledger, Manifest, Step
from tasks.store.explain import (
    CodeChange,
    Difference,
    InputChange,
    LibraryChange,
    SettingChange,
    code_change,
    differences,
    nearest,
    read_manifests,
)
from tasks.store.ledger import draft_manifest

CROPS, OTHER = f"prepare/{'a' * 64}", f"prepare/{'b' * 64}"
BASE = draft_manifest(Step("training", "tasks.classes"), {"crops": CROPS, "fold": "2"}, None).model_copy(
    update={
        "settings": {"epochs": 3, "keep": "best", "size": {"height": 64, "width": 48}},
        "libraries": {"torch": "2.9.0", "timm": "1.0"},
        "code": "old",
    }
)
CODE = {"old": {"a.py": "1", "a.py:f": "1", "a.py:g": "1"}, "new": {"a.py": "2", "a.py:f": "2", "a.py:h": "1"}}


def changed(**changes: object) -> Manifest:
    return BASE.model_copy(update=changes)


def aged(minute: int, **changes: object) -> Manifest:
    return changed(started=BASE.started.replace(minute=minute), **changes)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"inputs": {"crops": OTHER, "fold": "2"}}, [InputChange("crops", CROPS, OTHER)]),
        ({"inputs": {"crops": CROPS}}, [InputChange("fold", "2", None)]),
        ({"inputs": {"crops": CROPS, "fold": "2", "more": "1"}}, [InputChange("more", None, "1")]),
        ({"libraries": {"torch": "2.9.1", "timm": "1.0"}}, [LibraryChange("torch", "2.9.0", "2.9.1")]),
        ({"code": "new"}, [CodeChange(("a.py:f",), ("a.py:h",), ("a.py:g",))]),
        ({"code": "never recorded"}, [CodeChange()]),
        ({"seconds": 5.0, "host": "other", "device": "gpu", "commit": None}, []),
    ],
    ids=["nothing", "input", "input gone", "input new", "library", "code", "unknown code", "what decides nothing"],
)
def test_every_difference_is_told(changes: dict[str, object], found: list[Difference]) -> None:
    assert list(differences(BASE, changed(**changes), CODE.get)) == found


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"epochs": 5}, SettingChange("training.epochs", "3", "5")),
        ({"epochs": None}, SettingChange("training.epochs", "3", "null")),
        ({"light": [1, 2]}, SettingChange("training.light", None, "[1, 2]")),
        ({"size": {"height": 96, "width": 48}}, SettingChange("training.size.height", "64", "96")),
        ({"size": {"width": 48}}, SettingChange("training.size.height", "64", None)),
    ],
    ids=["value", "null", "new", "in a group", "gone"],
)
def test_setting_is_told_by_its_dotted_name(settings: dict[str, JsonValue], found: Difference) -> None:
    assert differences(BASE, changed(settings=BASE.settings | settings), CODE.get) == (found,)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a.py": "1", "a.py:f": "1"}, {"a.py": "2", "a.py:f": "1"}, CodeChange(changed=("a.py",))),
        ({"a.py": "1"}, {"a.py": "1", "b.py": "1", "b.py:f": "1"}, CodeChange(new=("b.py:f",))),
        ({"a.py": "1", "page.html": "1"}, {"a.py": "1"}, CodeChange(gone=("page.html",))),
        ({}, {"a.py:*": "1", "a.py:f": "1"}, CodeChange(new=("a.py:f", "a.py:*"))),
    ],
    ids=["order of definitions", "new module", "template gone", "imports last"],
)
def test_file_is_told_only_if_no_definition_in_it_explains_the_change(
    old: Mapping[str, str], new: Mapping[str, str], found: CodeChange
) -> None:
    assert code_change(old, new) == found


def test_nearest_is_the_one_that_differs_least() -> None:
    far = changed(settings={"epochs": 9, "keep": "last"})
    near = changed(settings=BASE.settings | {"epochs": 9})
    assert nearest(BASE, [far, near]) is near
    assert nearest(BASE, []) is None


def test_fold_is_compared_with_the_same_fold_whatever_else_differs() -> None:
    other_fold = aged(2, inputs={"crops": CROPS, "fold": "1"})
    same_fold = aged(1, inputs={"crops": OTHER, "fold": "2"}, code="new", libraries={})
    assert nearest(BASE, [other_fold, same_fold]) is same_fold


def test_of_several_that_are_as_near_the_newest_counts() -> None:
    old, new, middle = (aged(minute, code=f"{minute}") for minute in (1, 3, 2))
    assert nearest(BASE, [old, new, middle]) is new


def test_manifests_of_a_step_are_read_but_for_those_that_are_damaged(backend: Backend) -> None:
    ledger = Ledger(backend)

    def write(folder: Path) -> dict[str, JsonValue]:
        (folder / "manifest.json").write_text("a file of the artifact")
        return {}

    made = [ledger.produce(Step("some", "tasks.classes"), {"number": str(n)}, None, write).manifest for n in range(20)]
    ledger.produce(Step("some-other", "tasks.classes"), {}, None, write)
    backend.create(f"steps/some/{'0' * 64}/manifest.json", b"damaged")
    found = read_manifests(ledger, "some")
    assert sorted(found, key=lambda manifest: manifest.key) == sorted(made, key=lambda manifest: manifest.key)
