import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.faces.boxes import (
    DEFAULT_BOX,
    Box,
    SmallestBox,
    boxes_of_centres,
    boxes_of_faces,
    centre_box,
    clipped,
    default_box,
    smallest_box,
)
from tasks.faces.face import Face, main_face
from tasks.faces.search import Finding
from tasks.faces.settings import FacesSettings, Size
from tasks.tables import BOXES, LANDMARKS

MARKS = np.arange(10.0).reshape(5, 2)
sides = st.floats(-2000, 2000)
lengths = st.integers(1, 1000)


def face(left: float, top: float, right: float, bottom: float, score: float = 0.9) -> Face:
    return Face((left, top, right, bottom), score, MARKS)


def finding(box: Face | None) -> Finding:
    return Finding(384, 512, box, "mtcnn" if box else None, int(box is not None))


def table(faces: list[Face | None], training: list[bool] | None = None) -> pd.DataFrame:
    names = [f"{number}.jpg" for number in range(len(faces))]
    found = [finding(box) for box in faces]
    return BOXES.conform(boxes_of_faces(names, found, training or [True] * len(faces), FacesSettings())[0])


@given(sides, sides, sides, sides, lengths, lengths)
def test_clipped_box_is_inside_the_photo_and_not_empty(
    left: float, top: float, right: float, bottom: float, width: int, height: int
) -> None:
    box = clipped((left, top, right, bottom), width, height)
    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height


def test_box_is_the_face_with_twenty_pixels_beside_and_thirty_above_and_below() -> None:
    row = table([face(100, 150, 200, 300)]).iloc[0]
    assert row[["left", "top", "right", "bottom"]].tolist() == [80, 120, 220, 330]
    assert (row["source"], row["undersized"], row["faces"], row["score"]) == ("mtcnn", False, 1, 0.9)


def test_padding_stops_at_the_sides_of_the_photo() -> None:
    row = table([face(5, 10, 380, 500)]).iloc[0]
    assert row[["left", "top", "right", "bottom"]].tolist() == [0, 0, 384, 512]


def test_landmarks_keep_their_names() -> None:
    row = table([face(100, 150, 200, 300)]).iloc[0]
    assert [[row[f"{mark}_{axis}"] for axis in "xy"] for mark in LANDMARKS] == MARKS.tolist()


def test_photo_without_a_face_gets_the_default_box() -> None:
    row = table([None]).iloc[0]
    assert row[["left", "top", "right", "bottom"]].tolist() == list(DEFAULT_BOX) == [80, 50, 300, 370]
    assert (row["source"], row["undersized"], row["faces"]) == ("default", False, 0)
    assert row[["score", "nose_x"]].isna().all()


def test_default_box_grows_with_the_photo() -> None:
    assert default_box(384, 512) == DEFAULT_BOX
    assert default_box(768, 1024) == Box(160, 100, 600, 740)
    assert default_box(1, 1) == Box(0, 0, 1, 1)


def test_undersize_rule_is_mean_less_1_96_deviations_of_each_side() -> None:
    boxes = [Box(0, 0, width, height) for width, height in ((100, 200), (120, 220), (140, 180))]
    smallest = smallest_box(boxes)
    assert smallest.width == pytest.approx(120 - 1.96 * np.std([100, 120, 140]))
    assert smallest.height == pytest.approx(200 - 1.96 * np.std([200, 220, 180]))


@pytest.mark.parametrize(("width", "height", "refused"), [(49, 59, True), (49, 60, False), (50, 59, False)])
def test_box_is_undersized_only_if_both_sides_are_too_small(width: int, height: int, refused: bool) -> None:
    assert SmallestBox(50, 60).refuses(Box(0, 0, width, height)) == refused


def test_undersized_face_gives_way_to_the_default_box_and_says_so() -> None:
    usual: list[Face | None] = [face(100, 100, 250 + shift, 300 + shift) for shift in range(30)]
    row = table([*usual, face(10, 10, 20, 20, score=0.8)]).iloc[-1]
    assert row[["left", "top", "right", "bottom"]].tolist() == list(DEFAULT_BOX)
    assert (row["source"], row["undersized"], row["score"]) == ("default", True, 0.8)
    assert table(usual)["undersized"].sum() == 0


def test_undersize_rule_is_fitted_on_training_photos_alone() -> None:
    usual: list[Face | None] = [face(100, 100, 250 + shift, 300 + shift) for shift in range(20)]
    small: list[Face | None] = [face(10, 10, 40, 40)] * 20
    boxes = table([*usual, *small], [True] * 20 + [False] * 20)
    assert boxes["undersized"].tolist() == [False] * 20 + [True] * 20


@pytest.mark.parametrize(
    ("height", "width", "box"), [(350, 350, (17, 81, 367, 431)), (400, 200, (92, 56, 292, 456)), (384, 384, None)]
)
def test_centre_box_lies_in_the_middle(height: int, width: int, box: tuple[int, int, int, int] | None) -> None:
    assert centre_box(Size(height=height, width=width), 384, 512) == (box or (0, 64, 384, 448))


def test_centre_box_is_cut_off_at_a_small_photo() -> None:
    assert centre_box(Size(height=400, width=200), 100, 100) == Box(0, 0, 100, 100)


def test_centre_boxes_were_not_searched() -> None:
    row = BOXES.conform(boxes_of_centres(["a"], [(384, 512)], Size(height=350, width=350))).iloc[0]
    assert row["source"] == "centre"
    assert row[["score", "faces", "left_eye_x"]].isna().all()


def test_main_face_is_large_and_near_the_centre() -> None:
    beside, centre, tiny = face(0, 0, 90, 90), face(150, 200, 230, 280), face(190, 250, 200, 260)
    assert main_face([beside, tiny, centre], 384, 512) is centre
