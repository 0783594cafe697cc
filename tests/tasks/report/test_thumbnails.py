import base64
import io

import numpy as np
from PIL import Image

from tasks.report.thumbnails import SIDE, Thumbnails, encode_thumbnail
from tasks.store import Artifact


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_thumbnail_shows_the_photo_it_is_asked_for(artifacts: dict[str, Artifact]) -> None:
    shard = np.load(artifacts["prepare"].path("a.npy"))
    uri = Thumbnails(artifacts["prepare"]).uri("eval/images/0003.jpg")
    assert uri == encode_thumbnail(shard[84 + 3])


def test_large_crop_is_shrunk_in_proportion() -> None:
    assert decode(encode_thumbnail(np.zeros((4 * SIDE, 2 * SIDE, 3), np.uint8))).size == (SIDE // 2, SIDE)
