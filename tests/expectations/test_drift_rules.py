import pandas as pd

from expectations.drift_rules import (
    ExpectNobodyGone,
    ExpectNobodyNew,
    ExpectSameLabels,
    ExpectSteadyBrightness,
    ExpectSteadySizes,
)
from tests.expectations.judging import found


def beside(new: dict[str, list[object]], reference: dict[str, list[object]]) -> dict[str, list[object]]:
    """New data beside earlier data."""
    count, before = (len(next(iter(columns.values()))) for columns in (new, reference))
    data: list[object] = ["new"] * count + ["reference"] * before
    return {"data": data, **{column: new[column] + reference[column] for column in new}}


def levels(*means: float, split: str = "train") -> dict[str, list[object]]:
    """Grey photos."""
    channels = {f"mean_{channel}": list(means) for channel in "rgb"}
    return {"split": [split] * len(means), "problem": [None] * len(means), **channels}


def sizes(*widths: int) -> dict[str, list[object]]:
    """Photos that can be decoded if they are wider than nothing."""
    problems = [None if width else "cut off" for width in widths]
    return {"problem": problems, "width": list(widths), "height": [9] * len(widths)}


def labelled(photo: str, sha256: str, age: object, split: str = "train") -> dict[str, list[object]]:
    return {
        "photo": [photo],
        "sha256": [sha256],
        "split": [split],
        "state": ["mask"],
        "gender": ["male"],
        "age": [age],
    }


def test_brightness_moves_by_standard_deviations_of_the_reference() -> None:
    columns = beside(levels(0.5, 0.6, 0.7), levels(0.4, 0.5, 0.6))
    words = {"train": "mean 0.600 instead of 0.500"}
    assert found(ExpectSteadyBrightness(column="brightness", most=0.9), **columns) == (1, words)
    assert found(ExpectSteadyBrightness(column="brightness", most=1.1), **columns) == (1, {})


def test_brightness_of_a_split_that_one_side_lacks_is_not_compared() -> None:
    columns = beside(levels(0.9, 0.8), levels(0.1, 0.2, split="eval"))
    assert found(ExpectSteadyBrightness(column="brightness", most=0), **columns) == (0, {})


def test_brightness_of_a_side_that_has_no_photo_left_is_not_compared() -> None:
    columns = beside(levels(0.9, 0.8), levels(0.1, 0.2))
    torn = {**columns, "problem": ["torn", "torn", None, None]}
    assert found(ExpectSteadyBrightness(column="brightness", most=0), **torn) == (0, {})


def test_sizes_that_have_moved_are_told_however_many_there_are() -> None:
    columns = beside(sizes(*range(1, 201)), sizes(*range(201, 401)))
    checked, moved = found(ExpectSteadySizes(column="width", most=0.1), **columns)
    assert (checked, len(moved)) == (400, 400)
    assert moved["7x9"] == "0.5% instead of 0.0%"


def test_sizes_that_have_moved_are_told_with_their_shares() -> None:
    columns = beside(sizes(4, 4, 5, 0), sizes(4, 4, 4))
    words = {"4x9": "66.7% instead of 100.0%", "5x9": "33.3% instead of 0.0%"}
    assert found(ExpectSteadySizes(column="width", most=0.3), **columns) == (2, words)
    assert found(ExpectSteadySizes(column="width", most=0.34), **columns) == (2, {})


def test_persons_are_gone_or_new_by_their_folders() -> None:
    columns = beside({"person": ["a", "a", "b", None]}, {"person": ["b", "c", "c"]})
    assert found(ExpectNobodyGone(column="person"), **columns) == (2, {"c": "gone"})
    assert found(ExpectNobodyNew(column="person"), **columns) == (2, {"a": "new"})


def test_photo_with_the_same_bytes_is_told_its_labels_before() -> None:
    rule = ExpectSameLabels(column="class")
    columns = beside(labelled("b.jpg", "x", 21), labelled("a.jpg", "x", 20))
    assert found(rule, **columns) == (1, {"b.jpg": "mask male 21 instead of mask male 20"})
    assert found(rule, **beside(labelled("b.jpg", "x", 20), labelled("a.jpg", "x", 20))) == (1, {})


def test_label_that_has_gone_missing_is_told_too() -> None:
    columns = beside(labelled("a.jpg", "x", None), labelled("a.jpg", "x", 20))
    columns["age"] = pd.array(columns["age"], "Int16")
    assert found(ExpectSameLabels(column="class"), **columns) == (
        1,
        {"a.jpg": "mask male missing instead of mask male 20"},
    )


def test_label_that_was_missing_before_is_not_told() -> None:
    columns = beside(labelled("a.jpg", "x", None), labelled("a.jpg", "x", None))
    columns["age"] = pd.array(columns["age"], "Int16")
    assert found(ExpectSameLabels(column="class"), **columns) == (1, {})


def test_photos_with_other_bytes_or_of_another_split_are_not_compared() -> None:
    rule = ExpectSameLabels(column="class")
    assert found(rule, **beside(labelled("a.jpg", "x", 21), labelled("a.jpg", "y", 20))) == (0, {})
    assert found(rule, **beside(labelled("a.jpg", "x", 21, "eval"), labelled("a.jpg", "x", 20))) == (0, {})
