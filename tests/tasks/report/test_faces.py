import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.data_folder.local import LocalFolder
from tasks.report import faces as module
from tasks.report.faces import Faces, Wall, box_sizes, draw_walls, face_sources
from tasks.report.page import Page, render
from tasks.report.step import make_faces_report
from tasks.store import Artifact, Ledger
from tasks.tables import BOXES, CATALOG
from tests.tasks.report.conftest import GONE


@pytest.fixture(scope="module")
def boxes(artifacts: dict[str, Artifact]) -> pd.DataFrame:
    catalog = CATALOG.read(artifacts["catalog"].path("catalog.parquet"))
    return BOXES.read(artifacts["faces"].path("boxes.parquet")).merge(
        catalog[["photo", "split", "state", "sha256", "width", "height"]], on="photo"
    )


@pytest.fixture(scope="module")
def walls(page: Page) -> dict[str, Wall]:
    return {wall.title: wall for wall in page.faces.walls}


def wall(walls: dict[str, Wall], start: str) -> Wall:
    (found,) = [one for title, one in walls.items() if title.startswith(start)]
    return found


def pixels(image: str | None) -> np.ndarray:
    assert image
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image.partition(",")[2]))), np.int16)


def test_sources_are_shares_of_each_state(boxes: pd.DataFrame) -> None:
    sources, rows = face_sources(boxes)
    by_name = {row.name: row for row in rows}
    assert sources == ["mtcnn", "retinaface", "default"]
    assert by_name["incorrect"].shares == {"mtcnn": 0.0, "retinaface": 1.0, "default": 0.0}
    assert by_name["mask"].shares["default"] == pytest.approx(2 / 60)
    assert (by_name["mask"].undersized, by_name["all photos"].photos, by_name["evaluation"].photos) == (1, 94, 10)


def test_sizes_are_of_boxes_around_faces_of_training_photos(boxes: pd.DataFrame) -> None:
    sizes = box_sizes(boxes)
    assert len(sizes) == 82
    assert sizes.drop_duplicates().to_numpy().tolist() == [[100, 200]]


def test_each_detector_shows_a_sample(walls: dict[str, Wall], boxes: pd.DataFrame) -> None:
    for source, total in (("retinaface", 12), ("mtcnn", 80)):
        shown = wall(walls, f"By {source}")
        assert (len(shown.photos), shown.total) == (min(total, module.SAMPLE), total)
        assert set(boxes.set_index("photo").loc[[one.photo for one in shown.photos], "source"]) == {source}


def test_all_fallbacks_all_undersized_and_photos_of_several_faces_are_shown(
    walls: dict[str, Wall], boxes: pd.DataFrame
) -> None:
    shown = [wall(walls, start) for start in ("Undersized", "No face", "Several faces")]
    assert [[one.photo for one in each.photos] for each in shown] == [[photo] for photo in boxes["photo"][:3]]
    assert [each.photos[0].what for each in shown] == ["60 x 140 px, 0.88", "no face", "60 x 140 px, 0.88, 2 faces"]


def test_wall_of_all_ends_somewhere_and_says_how_many_there_are(
    data: LocalFolder, boxes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    (only,) = draw_walls(data, boxes.assign(source="default", undersized=False, faces=0))
    assert (len(only.photos), only.total) == (5, 94)


def test_box_face_and_landmarks_lie_where_they_were_found(walls: dict[str, Wall]) -> None:
    image = pixels(wall(walls, "By mtcnn").photos[0].image)
    assert image.shape == (module.SIDE, module.SIDE * 3 // 4, 3)
    scale = 512 / module.SIDE
    coloured = (np.ptp(image, axis=2) > 60).nonzero()
    top, bottom, left, right = (edge * scale for y_or_x in coloured for edge in (y_or_x.min(), y_or_x.max() + 1))
    assert (left, top, right, bottom) == pytest.approx((10, 20, 110, 220), abs=scale * 3)
    red, green, blue = image[round(60 / scale), round(60 / scale)]
    assert red > green + 60
    assert red > blue + 60
    assert np.abs(image[-40:] - 128).max() < 8


def test_photo_that_is_gone_says_so(data: LocalFolder, boxes: pd.DataFrame) -> None:
    (only,) = draw_walls(data, boxes[boxes["photo"] == GONE])
    assert [(one.image, one.what) for one in only.photos] == [(None, "gone, or changed since")]


def test_centre_crops_need_no_face(data: LocalFolder, boxes: pd.DataFrame, page: Page) -> None:
    centred = boxes.assign(source="centre", undersized=False, faces=pd.NA, score=pd.NA)
    assert box_sizes(centred).empty
    walls = draw_walls(data, centred)
    assert [(one.title, {photo.what for photo in one.photos if photo.image}) for one in walls] == [
        ("By centre", {"not searched"})
    ]
    html = render(replace(page, faces=Faces(*face_sources(centred), sizes=None, walls=walls)))
    assert "no face was looked for" in html
    assert '<th scope="col" class="number">centre</th>' in html


def test_faces_have_a_page_of_their_own_before_anything_is_trained(
    ledger: Ledger, artifacts: dict[str, Artifact], data: LocalFolder, page: Page
) -> None:
    report = make_faces_report(ledger, data, artifacts["catalog"], artifacts["faces"], "laptop <i>&")
    html = report.path("report.html").read_text()
    assert re.findall(r'<section id="(\w+)">', html) == ["faces"]
    assert "laptop &lt;i&gt;&amp;" in html
    assert "://" not in html
    assert all(one.image in html for wall in page.faces.walls for one in wall.photos if one.image)
    assert make_faces_report(ledger, data, artifacts["catalog"], artifacts["faces"], "laptop <i>&").reused
