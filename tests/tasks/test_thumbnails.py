import base64
import io

import numpy as np
import pytest
from PIL import Image

from tasks.thumbnails import SIDE, encode_thumbnail, with_box, with_points


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_large_photo_is_shrunk_in_proportion() -> None:
    assert decode(encode_thumbnail(np.zeros((4 * SIDE, 2 * SIDE, 3), np.uint8))).size == (SIDE // 2, SIDE)


def test_longer_side_can_be_chosen() -> None:
    assert decode(encode_thumbnail(np.zeros((40, 80, 3), np.uint8), side=20)).size == (20, 10)


def test_small_photo_keeps_its_size() -> None:
    assert decode(encode_thumbnail(np.zeros((30, 20, 3), np.uint8))).size == (20, 30)


GREY = np.full((512, 384, 3), 128, np.uint8)


def test_box_lies_where_it_was_found() -> None:
    rows, columns = (with_box(GREY, (100, 50, 300, 370))[:, :, 2] < 64).nonzero()
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (100, 50, 300, 370)


def test_box_of_the_whole_photo_is_seen() -> None:
    assert (with_box(GREY, (0, 0, 384, 512))[:, [0, -1], 2] < 64).all()


def test_points_lie_where_they_were_found() -> None:
    rows, columns = (with_points(GREY, [(100, 50)])[:, :, 2] < 64).nonzero()
    assert (columns.mean(), rows.mean()) == pytest.approx((100, 50), abs=0.5)
