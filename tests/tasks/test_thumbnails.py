import base64
import io

import numpy as np
from PIL import Image

from tasks.thumbnails import SIDE, encode_thumbnail


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_large_photo_is_shrunk_in_proportion() -> None:
    assert decode(encode_thumbnail(np.zeros((4 * SIDE, 2 * SIDE, 3), np.uint8))).size == (SIDE // 2, SIDE)


def test_longer_side_can_be_chosen() -> None:
    assert decode(encode_thumbnail(np.zeros((40, 80, 3), np.uint8), side=20)).size == (20, 10)


def test_small_photo_keeps_its_size() -> None:
    assert decode(encode_thumbnail(np.zeros((30, 20, 3), np.uint8))).size == (20, 30)
