import base64
import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.data_folder.local import LocalFolder
from tasks.validate.docs.pictures import SIDE, Picture, draw_pictures

WIDTH, HEIGHT = 384, 512
GREY = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)


def decode(picture: Picture) -> Image.Image:
    assert picture.uri
    return Image.open(io.BytesIO(base64.b64decode(picture.uri.removeprefix("data:image/jpeg;base64,"))))


def row(folder: Path, photo: str, **columns: object) -> dict[str, object]:
    digest = hashlib.sha256((folder / photo).read_bytes()).hexdigest()
    return {"photo": photo, "sha256": digest, "problem": None, **columns}


def draw(folder: Path, *rows: dict[str, object]) -> dict[str, Picture]:
    return draw_pictures(LocalFolder(folder), pd.DataFrame(list(rows)).astype({"problem": "str"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    shutil.copy(tmp_path / "grey.png", tmp_path / "other.png")
    return tmp_path


def test_picture_is_the_photo_made_small(folder: Path) -> None:
    thumbnail = decode(draw(folder, row(folder, "grey.png"))["grey.png"])
    assert thumbnail.size == (SIDE * WIDTH // HEIGHT, SIDE)
    assert np.asarray(thumbnail).mean() == pytest.approx(128, abs=1)


def test_photo_that_cannot_be_decoded_says_so(folder: Path) -> None:
    bad = row(folder, "grey.png", problem="an empty file")
    pictures = draw(folder, bad, row(folder, "other.png"))
    assert pictures["grey.png"] == Picture(None, "cannot be decoded")
    assert pictures["other.png"].uri


def test_photo_that_is_gone_or_has_changed_says_so(folder: Path) -> None:
    rows = [row(folder, "grey.png"), row(folder, "other.png")]
    (folder / "grey.png").unlink()
    (folder / "other.png").write_bytes(b"another photo")
    assert set(draw(folder, *rows).values()) == {Picture(None, "gone, or changed since")}


def test_box_leaves_what_is_in_it(folder: Path) -> None:
    boxed = row(folder, "grey.png", left=100, top=50, right=300, bottom=370)
    pixels = np.asarray(decode(draw(folder, boxed)["grey.png"])).astype(int)
    assert abs(pixels[64:112, 64:96] - 128).max() < 8
    assert pixels[:, :, 2].min() < 100
