import pytest

from flows.cli.reasons import in_words, some
from flows.data_change import Cause, DataChange
from flows.params import Experiment
from tasks.store.explain import CodeChange, InputChange, LibraryChange, SettingChange
from tasks.validate.settings import ARTIFACTS

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (SettingChange("training.epochs", "3", "5"), "training.epochs 3 -> 5"),
        (SettingChange("training.keep", '"best"', '"last"'), "training.keep best -> last"),
        (SettingChange("training.light", None, "0.2"), "training.light is new: 0.2"),
        (SettingChange("training.light", "0.2", None), "training.light is gone"),
        (SettingChange("validate.suites", '["labels"]', "[]"), 'validation.suites ["labels"] -> []'),
        (InputChange("crops", f"prepare/{A}", f"prepare/{B}"), "input crops aaaaaaaaaaaa -> bbbbbbbbbbbb"),
        (InputChange("data", A, B), "input data aaaaaaaaaaaa -> bbbbbbbbbbbb"),
        (InputChange("fold", "1", "2"), "input fold 1 -> 2"),
        (LibraryChange("torch", "2.9.0", "2.9.1"), "torch 2.9.0 -> 2.9.1"),
        (CodeChange(("a.py:f",), ("a.py:g", "b.py"), ()), "code: changed a.py:f; new a.py:g, b.py"),
        (CodeChange((), (), ("a.py:*",)), "code: gone a.py on import"),
        (CodeChange(), "code, but what of it was not recorded"),
        (DataChange(("x", "y"), (), ("z",), ()), "data: 2 photos new, such as x; 1 photos with other bytes, such as z"),
        (DataChange((), (), (), ()), "data: the same photos in another order"),
    ],
)
def test_cause_is_told_in_a_few_words(cause: Cause, words: str) -> None:
    assert in_words(cause) == words


def test_settings_are_told_by_the_names_that_an_experiment_has_for_them() -> None:
    for section in Experiment.model_fields:
        step = ARTIFACTS["data"] if section == "validation" else section
        assert in_words(SettingChange(f"{step}.x", "1", "2")) == f"{section}.x 1 -> 2"


def test_of_many_names_a_few_are_listed_and_the_others_counted() -> None:
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
