from expectations.submission_rules import (
    ExpectAnswersInRange,
    ExpectEveryClassPredicted,
    ExpectEveryImageAnswered,
    ExpectOrderOfImages,
)
from tests.expectations.judging import found

ANSWERED, ORDERED = ExpectEveryImageAnswered(column="image"), ExpectOrderOfImages(column="image")


def test_image_is_missing_or_there_twice_or_from_elsewhere() -> None:
    columns = {"image": ["a", "a", "x"], "expected": ["a", "b", "c"]}
    assert found(ANSWERED, **columns) == (
        4,
        {"b": "no row", "c": "no row", "x": "not in info.csv", "a": "2 rows"},
    )


def test_every_image_once_is_right_in_any_order() -> None:
    assert found(ANSWERED, image=["b", "a"], expected=["a", "b"]) == (2, {})


def test_image_in_the_place_of_another_is_told_so() -> None:
    assert found(ORDERED, image=["b", "a", "c"], expected=["a", "b", "c"]) == (
        3,
        {"b": "in the place of a", "a": "in the place of b"},
    )


def test_order_is_told_only_of_images_that_both_have() -> None:
    assert found(ORDERED, image=["a", "x", None], expected=["a", "b", "c"]) == (1, {})


def test_image_that_stands_in_two_wrong_places_is_told_once() -> None:
    assert found(ORDERED, image=["c", "c", "a"], expected=["a", "a", "c"])[1] == {
        "c": "in the place of a",
        "a": "in the place of c",
    }


def test_answer_is_a_class_as_it_is_written() -> None:
    columns = {"image": list("abcdef"), "answer": ["0", "17", "18", "-1", "3.0", None]}
    assert found(ExpectAnswersInRange(column="answer"), **columns) == (
        6,
        {"c": "18", "d": "-1", "e": "3.0", "f": "nothing"},
    )


def test_place_without_a_row_has_no_answer() -> None:
    assert found(ExpectAnswersInRange(column="answer"), image=["a", None], answer=["0", None]) == (1, {})


def test_class_that_was_learnt_and_is_never_predicted_is_told_its_share() -> None:
    rule = ExpectEveryClassPredicted(column="answer", learnt={"0": 0.75, "1": 0.25, "2": 0.0})
    assert found(rule, answer=["0", "0", None]) == (2, {"mask male 30-59": "25.0% of the training photos"})
