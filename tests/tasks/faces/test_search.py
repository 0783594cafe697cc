from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.data_folder.local import LocalFolder
from tasks.faces import search
from tasks.faces.face import Face
from tasks.faces.search import search_photos
from tasks.faces.settings import DetectorName
from tasks.photos import Pixels
from tasks.tables import FACE_SIDES, FINDINGS
from tests.tasks.faces.photos import chunk

MARKS = np.zeros((5, 2))


class Eye:
    """A detector that finds a face on photos of some brightnesses."""

    longest_sides: tuple[int, ...] = (100,)

    def __init__(self, *sees: int) -> None:
        self._sees = sees
        self.shown: list[tuple[int, ...]] = []

    def __call__(self, pixels: Pixels) -> list[Face]:
        self.shown.append(pixels.shape[:2])
        return [Face((10, 20, 30, 60), 0.9, MARKS)] if int(pixels.mean()) in self._sees else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Grey photos, named after their brightness: three of 100 x 80, and one twice as large."""
    for brightness, scale in ((10, 1), (20, 1), (30, 2), (40, 1)):
        Image.new("RGB", (80 * scale, 100 * scale), (brightness,) * 3).save(tmp_path / f"{brightness}.png")
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, **detectors: Eye) -> None:
    monkeypatch.setattr(search, "load_detector", detectors.__getitem__)


def run(folder: Path, *detectors: DetectorName) -> pd.DataFrame:
    photos = chunk(folder, [path.name for path in sorted(folder.glob("*.png"))])
    return search_photos(LocalFolder(folder), photos, detectors).findings


def test_next_detector_is_asked_only_where_those_before_found_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, retinaface=Eye(20, 40), mtcnn=Eye(20, 10))
    found = run(folder, "retinaface", "mtcnn")
    assert found["detector"].fillna("nobody").tolist() == ["mtcnn", "retinaface", "nobody", "retinaface"]
    assert found["faces"].tolist() == [1, 1, 0, 1]


def test_detector_that_nobody_needs_is_not_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, retinaface=Eye(10, 20, 30, 40))
    assert set(run(folder, "retinaface", "mtcnn")["detector"]) == {"retinaface"}


def test_detector_looks_closer_where_it_finds_nothing_and_there_is_more_to_see(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Eye(20)
    close.longest_sides = (50, 100, 150, 200)
    use(monkeypatch, retinaface=close)
    run(folder, "retinaface")
    small, large = [(50, 40), (100, 80)], [(150, 120), (200, 160)]
    assert close.shown == [*small, small[0], *small, *large, *small]


def test_faces_are_told_in_pixels_of_the_photo_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, retinaface=Eye(20, 30))
    sides = run(folder, "retinaface")[list(FACE_SIDES)]
    assert sides.iloc[1].tolist() == [10, 20, 30, 60]
    assert sides.iloc[2].tolist() == [20, 40, 60, 120]


def test_photos_that_cannot_be_read_are_told_and_the_others_searched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, retinaface=Eye(10), mtcnn=Eye(40))
    photos = chunk(folder, [path.name for path in sorted(folder.glob("*.png"))])
    (folder / "20.png").write_bytes(b"another")
    (folder / "30.png").unlink()
    found = search_photos(LocalFolder(folder), photos, ("retinaface", "mtcnn"))
    assert found.findings["sha256"].tolist() == photos["sha256"].iloc[[0, 3]].tolist()
    assert [line.split(":")[0] for line in found.unreadable] == [
        "20.png has changed since the catalog was made. Run again",
        "30.png cannot be read",
    ]


def test_detector_that_fails_says_on_which_photo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Eye):
        def __call__(self, pixels: Pixels) -> list[Face]:
            raise RuntimeError(f"out of memory for {pixels.shape}")

    use(monkeypatch, mtcnn=Broken())
    with pytest.raises(RuntimeError, match="out of memory") as caught:
        run(folder, "mtcnn")
    assert caught.value.__notes__ == ["mtcnn searched 10.png, 80x100, as 80x100."]


@pytest.mark.parametrize("detector", ["retinaface", "mtcnn"])
def test_face_is_found_on_photos_of_every_kind(sample_data: Path, tmp_path: Path, detector: DetectorName) -> None:
    upright = Image.open(min(sample_data.glob("train/images/*/normal.*"))).convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter, clockwise
    upright.save(tmp_path / "plain.png")
    upright.convert("RGBA").save(tmp_path / "alpha.png")
    upright.convert("L").save(tmp_path / "grey.jpg", quality=95)
    upright.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", quality=95, exif=turned)
    upright.resize((upright.width * 3, upright.height * 3)).save(tmp_path / "huge.jpg")
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    names = ["plain.png", "alpha.png", "grey.jpg", "cmyk.jpg", "turned.jpg", "huge.jpg", "one.png"]
    found = search_photos(LocalFolder(tmp_path), chunk(tmp_path, names), [detector]).findings
    assert found["detector"].notna().tolist() == [True] * 6 + [False]
    boxes = found.loc[:5, list(FACE_SIDES)].to_numpy(float)
    boxes[5] /= 3
    assert np.abs(boxes - boxes[0]).max() < 0.06 * upright.height


def test_no_photos_have_no_findings(tmp_path: Path) -> None:
    found = search_photos(LocalFolder(tmp_path), chunk(tmp_path, []), ("retinaface",)).findings
    assert found.columns.tolist() == FINDINGS.column_names
    assert found.empty
