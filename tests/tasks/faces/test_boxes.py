import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.faces.boxes import (
    DEFAULT_BOX,
    Sizes,
    SmallestBox,
    boxes_of_centres,
    boxes_of_faces,
    centre_boxes,
    clipped,
    default_boxes,
    smallest_box,
)
from tasks.faces.face import Face, main_face
from tasks.faces.settings import FacesSettings, Size
from tasks.tables import BOX_SIDES, BOXES, FACE_SIDES, FINDINGS, LANDMARKS, MARK_COLUMNS

MARKS = np.arange(10.0).reshape(5, 2)
SIDES = list(BOX_SIDES)
Quad = tuple[float, float, float, float]
sides = st.floats(-2000, 2000)
lengths = st.integers(1, 1000)


def size(width: int, height: int) -> Sizes:
    return np.array([[width, height]])


def photos(count: int, training: list[bool] | None = None) -> pd.DataFrame:
    """Rows of a catalog: photos of 384 x 512."""
    split = ["train" if train else "eval" for train in training or [True] * count]
    return pd.DataFrame(
        {"photo": [f"{number}.jpg" for number in range(count)], "width": 384, "height": 512, "split": split}
    )


def finding(face: Quad | None) -> dict[str, object]:
    if face is None:
        return {"sha256": "", "faces": 0}
    marks = dict(zip(MARK_COLUMNS, MARKS.ravel(), strict=True))
    return {
        "sha256": "",
        "detector": "mtcnn",
        "faces": 2,
        "score": 0.9,
        **dict(zip(FACE_SIDES, face, strict=True)),
        **marks,
    }


def table(faces: list[Quad | None], training: list[bool] | None = None) -> pd.DataFrame:
    findings = pd.DataFrame([finding(face) for face in faces], columns=FINDINGS.column_names)
    rows = photos(len(faces), training)
    return BOXES.conform(boxes_of_faces(rows, FINDINGS.conform(findings), FacesSettings())[0])


@given(sides, sides, sides, sides, lengths, lengths)
def test_clipped_box_is_inside_the_photo_and_not_empty(
    left: float, top: float, right: float, bottom: float, width: int, height: int
) -> None:
    ((x, y, end_x, end_y),) = clipped([(left, top, right, bottom)], size(width, height))
    assert 0 <= x < end_x <= width
    assert 0 <= y < end_y <= height


def test_box_is_the_face_with_twenty_pixels_beside_and_thirty_above_and_below() -> None:
    row = table([(100, 150, 200, 300)]).iloc[0]
    assert row[SIDES].tolist() == [80, 120, 220, 330]
    assert row[list(FACE_SIDES)].tolist() == [100, 150, 200, 300]
    assert (row["source"], row["undersized"], row["faces"], row["score"]) == ("mtcnn", False, 2, 0.9)


def test_padding_stops_at_the_sides_of_the_photo() -> None:
    assert table([(5, 10, 380, 500)]).iloc[0][SIDES].tolist() == [0, 0, 384, 512]


def test_landmarks_keep_their_names() -> None:
    """The seed project kept the nose as a corner of the mouth."""
    row = table([(100, 150, 200, 300)]).iloc[0]
    assert [[row[f"{mark}_{axis}"] for axis in "xy"] for mark in LANDMARKS] == MARKS.tolist()


def test_photo_without_a_face_gets_the_default_box() -> None:
    row = table([None]).iloc[0]
    assert row[SIDES].tolist() == list(DEFAULT_BOX) == [80, 50, 300, 370]
    assert (row["source"], row["undersized"], row["faces"]) == ("default", False, 0)
    assert row[["score", "nose_x", "face_left"]].isna().all()


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [(384, 512, DEFAULT_BOX), (768, 1024, (160, 100, 600, 740)), (1, 1, (0, 0, 1, 1))],
)
def test_default_box_grows_with_the_photo(width: int, height: int, box: tuple[int, ...]) -> None:
    assert default_boxes(size(width, height)).tolist() == [list(box)]


def test_undersize_rule_is_mean_less_1_96_deviations_of_each_side() -> None:
    """The seed project compared with a threshold that it had never computed."""
    smallest = smallest_box(np.array([(0, 0, width, height) for width, height in ((100, 200), (120, 220), (140, 180))]))
    assert smallest.width == pytest.approx(120 - 1.96 * np.std([100, 120, 140]))
    assert smallest.height == pytest.approx(200 - 1.96 * np.std([200, 220, 180]))


@pytest.mark.parametrize(("width", "height", "refused"), [(49, 59, True), (49, 60, False), (50, 59, False)])
def test_box_is_undersized_only_if_both_sides_are_too_small(width: int, height: int, refused: bool) -> None:
    assert SmallestBox(50, 60).refuses(np.array([(7, 7, 7 + width, 7 + height)])).tolist() == [refused]


def test_undersized_face_gives_way_to_the_default_box_and_says_so() -> None:
    usual: list[Quad | None] = [(100, 100, 250 + shift, 300 + shift) for shift in range(30)]
    row = table([*usual, (10, 10, 20, 20)]).iloc[-1]
    assert row[SIDES].tolist() == list(DEFAULT_BOX)
    assert row[list(FACE_SIDES)].tolist() == [10, 10, 20, 20]
    assert (row["source"], row["undersized"], row["score"]) == ("default", True, 0.9)
    assert table(usual)["undersized"].sum() == 0


def test_undersize_rule_is_fitted_on_training_photos_alone() -> None:
    usual: list[Quad | None] = [(100, 100, 250 + shift, 300 + shift) for shift in range(20)]
    small: list[Quad | None] = [(10, 10, 40, 40)] * 20
    boxes = table([*usual, *small], [True] * 20 + [False] * 20)
    assert boxes["undersized"].tolist() == [False] * 20 + [True] * 20


@pytest.mark.parametrize(
    ("height", "width", "box"), [(350, 350, (17, 81, 367, 431)), (400, 200, (92, 56, 292, 456)), (384, 384, None)]
)
def test_centre_box_lies_in_the_middle(height: int, width: int, box: tuple[int, int, int, int] | None) -> None:
    boxes = centre_boxes(Size(height=height, width=width), size(384, 512))
    assert boxes.tolist() == [list(box or (0, 64, 384, 448))]


@pytest.mark.parametrize("width", [351, 352, 353, 354])
def test_centre_box_is_as_large_as_asked_on_photos_of_every_size(width: int) -> None:
    sizes = np.array([[photo, 512] for photo in (384, 385, 386, 387)])
    left, _, right, _ = centre_boxes(Size(height=350, width=width), sizes).T
    assert (right - left).tolist() == [width] * 4


def test_centre_box_is_cut_off_at_a_small_photo() -> None:
    assert centre_boxes(Size(height=400, width=200), size(100, 100)).tolist() == [[0, 0, 100, 100]]


def test_centre_boxes_were_not_searched() -> None:
    row = BOXES.conform(boxes_of_centres(photos(1), Size(height=350, width=350))).iloc[0]
    assert row["source"] == "centre"
    assert row[["score", "faces", "left_eye_x"]].isna().all()


def test_main_face_is_large_and_near_the_centre() -> None:
    def face(*box: float) -> Face:
        return Face(box, 0.9, MARKS)  # type: ignore[arg-type]

    beside, centre, tiny = face(0, 0, 90, 90), face(150, 200, 230, 280), face(190, 250, 200, 260)
    assert main_face([beside, tiny, centre], 384, 512) is centre
