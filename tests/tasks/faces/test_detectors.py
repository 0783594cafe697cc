"""The detectors on drawn faces: both must find them, at the same place, with landmarks under the same names."""

from pathlib import Path

import numpy as np
import pytest
import retinaface

from tasks.faces.detectors import load_detector
from tasks.faces.face import Detector, Face, main_face
from tasks.faces.settings import DetectorName
from tasks.photos import Pixels, decode_photo
from tasks.tables import LANDMARKS

NAMES: tuple[DetectorName, ...] = ("retinaface", "mtcnn")


@pytest.fixture(params=NAMES)
def detect(request: pytest.FixtureRequest) -> Detector:
    return load_detector(request.param)


@pytest.fixture(scope="module")
def bare(sample_data: Path) -> bytes:
    """A photo of a bare face."""
    return min(sample_data.glob("train/images/*/normal.*")).read_bytes()


def find(detect: Detector, pixels: Pixels) -> Face:
    return main_face(detect(pixels), pixels.shape[1], pixels.shape[0])


def test_landmarks_have_their_names_with_left_as_seen_in_the_photo(detect: Detector, bare: bytes) -> None:
    marks = dict(zip(LANDMARKS, find(detect, decode_photo(bare)).landmarks, strict=True))
    assert marks["left_eye"][0] < marks["nose"][0] < marks["right_eye"][0]
    assert marks["mouth_left"][0] < marks["nose"][0] < marks["mouth_right"][0]
    assert max(marks["left_eye"][1], marks["right_eye"][1]) < marks["nose"][1]
    assert marks["nose"][1] < min(marks["mouth_left"][1], marks["mouth_right"][1])


@pytest.mark.parametrize("shape", [(1, 1), (30, 20), (256, 192), (40, 3000), (1, 256)])
def test_photo_without_a_face_of_any_size_has_none(detect: Detector, shape: tuple[int, int]) -> None:
    assert detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_detectors_find_the_same_face(bare: bytes) -> None:
    first, second = (find(load_detector(name), decode_photo(bare)) for name in NAMES)
    assert first.landmarks == pytest.approx(second.landmarks, abs=12)


def test_faces_are_those_of_the_package_that_carries_retinaface(bare: bytes) -> None:
    """It cuts off to whole pixels; its threshold is another by default."""
    pixels = decode_photo(bare)
    theirs = retinaface.detect_faces(pixels, score_threshold=0.6)
    ours = load_detector("retinaface")(pixels)
    assert len(ours) == len(theirs) == 1
    left, top, right, bottom = ours[0].box
    assert (left, top, right - left, bottom - top) == pytest.approx(
        (theirs[0].x, theirs[0].y, theirs[0].width, theirs[0].height), abs=1
    )
    assert ours[0].score == pytest.approx(theirs[0].score, abs=1e-5)
    assert ours[0].landmarks == pytest.approx(np.array([(mark.x, mark.y) for mark in theirs[0].landmarks]), abs=1)
