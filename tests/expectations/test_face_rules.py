import pandas as pd
import pytest

from expectations.face_rules import ExpectFirstDetector, ExpectSeldomTrouble, ExpectTroubleInNoClass, Trouble
from tests.expectations.judging import found

WELL = {"source": "mtcnn", "undersized": False, "faces": 1, "left": 9, "top": 9, "right": 90, "bottom": 90}
BAD: dict[str, dict[str, object]] = {
    "no_face": {"source": "default", "faces": 0},
    "several_faces": {"faces": 2},
    "tiny_face": {"source": "default", "undersized": True},
    "cut_off": {"top": 0},
}


def boxes(*changes: dict[str, object]) -> dict[str, list[object]]:
    """A box for each photo, well but for a change, in photos a, b, c ... of 100 x 100 pixels and class 0."""
    rows = [{"photo": photo, "class": 0, "width": 100, "height": 100} for photo in "abcdefgh"[: len(changes)]]
    return {
        column: [{**row, **WELL, **change}[column] for row, change in zip(rows, changes, strict=True)]
        for column in (*rows[0], *WELL)
    }


@pytest.mark.parametrize("trouble", BAD)
def test_trouble_is_told_only_if_it_is_too_often_and_no_other_is(trouble: Trouble) -> None:
    columns = boxes(BAD[trouble], {}, {}, {})
    words = f"found by {columns['source'][0]}, faces: {columns['faces'][0]}"
    for asked in BAD:
        rule = ExpectSeldomTrouble(column="source", trouble=asked, most=0.24)
        assert found(rule, **columns) == (4, {"a": words} if asked == trouble else {})
    assert found(ExpectSeldomTrouble(column="source", trouble=trouble, most=0.25), **columns) == (4, {})


@pytest.mark.parametrize("side", [{"left": 0}, {"top": 0}, {"right": 100}, {"bottom": 100}])
def test_box_at_any_side_of_the_photo_is_cut_off(side: dict[str, object]) -> None:
    assert found(ExpectSeldomTrouble(column="source", trouble="cut_off", most=0), **boxes(side)) == (
        1,
        {"a": "found by mtcnn, faces: 1"},
    )


def test_default_box_is_not_cut_off_wherever_it_ends() -> None:
    columns = boxes({"source": "default", "left": 0})
    assert found(ExpectSeldomTrouble(column="source", trouble="cut_off", most=0), **columns) == (1, {})


@pytest.mark.parametrize("trouble", BAD)
def test_photos_that_were_not_searched_have_no_trouble(trouble: Trouble) -> None:
    columns = boxes({"source": "centre", "faces": None, "left": 0})
    assert found(ExpectSeldomTrouble(column="source", trouble=trouble, most=0), **columns) == (0, {})
    assert found(ExpectTroubleInNoClass(column="class", trouble=trouble, most=0), **columns) == (0, {})


def test_class_is_told_how_many_of_its_photos_have_the_trouble() -> None:
    columns = boxes({"faces": 2}, {}, {"class": 17}, {"class": pd.NA, "faces": 2})
    rule = ExpectTroubleInNoClass(column="class", trouble="several_faces", most=0.4)
    assert found(rule, **columns) == (2, {"mask male <30": "50.0% of 2 photos"})


def test_detector_that_finds_too_many_beside_the_first_is_told() -> None:
    columns = boxes({}, {}, {"source": "retinaface"}, {"source": "default"}, {"source": "centre"})
    assert found(ExpectFirstDetector(column="source", most=0.3), **columns) == (2, {"retinaface": "33.3% of the faces"})
    assert found(ExpectFirstDetector(column="source", most=0.4), **columns) == (2, {})


def test_no_detector_is_told_if_no_face_was_found() -> None:
    assert found(ExpectFirstDetector(column="source", most=0.3), **boxes({"source": "default"})) == (0, {})
