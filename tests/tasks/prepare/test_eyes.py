import cv2
import numpy as np
import pytest

from tasks.photos import Pixels
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.shards import Cut, eyes_of, turn_level

SIZE = PrepareSettings(height=100, width=80, frame="eyes", eyes_apart=0.4, eyes_height=0.3)


def face(left: tuple[int, int], right: tuple[int, int], radius: int) -> Pixels:
    """A grey photo, 384 x 512, with a red left and a blue right eye."""
    photo = np.full((512, 384, 3), 128, np.uint8)
    cv2.circle(photo, left, radius, (255, 0, 0), -1)
    cv2.circle(photo, right, radius, (0, 0, 255), -1)
    return photo


def centre(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize(
    ("left", "right"),
    [((150, 220), (230, 220)), ((150, 200), (220, 240)), ((180, 260), (200, 250)), ((115, 200), (265, 200))],
    ids=["level", "turned", "far away", "near"],
)
def test_eyes_lie_level_and_at_the_same_places(left: tuple[int, int], right: tuple[int, int]) -> None:
    apart = np.hypot(right[0] - left[0], right[1] - left[1])
    crop = turn_level(face(left, right, max(2, int(apart / 10))), (*left, *right), SIZE).astype(int)
    assert crop.shape == (100, 80, 3)
    assert centre(crop[..., 0] - crop[..., 2] > 60) == pytest.approx((40 - 16, 30), abs=1)
    assert centre(crop[..., 2] - crop[..., 0] > 60) == pytest.approx((40 + 16, 30), abs=1)


def test_eyes_that_were_not_found_are_taken_to_be_where_a_box_has_them() -> None:
    assert eyes_of(Cut("a.jpg", "", (100, 100, 300, 400))) == pytest.approx((164, 223, 236, 223))


def test_eyes_of_a_profile_do_not_tell_how_large_a_face_is() -> None:
    box = (100, 100, 300, 400)
    assert eyes_of(Cut("a.jpg", "", box, (200, 210, 210, 212))) == eyes_of(Cut("a.jpg", "", box))
    assert eyes_of(Cut("a.jpg", "", box, (160, 210, 240, 212))) == (160, 210, 240, 212)


def test_shrunk_photo_is_averaged_not_skipped() -> None:
    stripes = np.zeros((512, 384, 3), np.uint8)
    stripes[:, ::2] = 254
    small = turn_level(stripes, (92, 200, 292, 200), SIZE)  # a sixth of the size
    assert abs(small.astype(int) - 127).max() < 30
