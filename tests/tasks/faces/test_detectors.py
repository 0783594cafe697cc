"""The detectors on drawn faces: both must find them, at the same place, with landmarks under the same names."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.faces.detectors import LONGEST_SIDE, load_detector
from tasks.faces.face import Detector, Face, main_face
from tasks.faces.settings import DetectorName
from tasks.photos import Pixels, decode_photo
from tasks.tables import LANDMARKS

NAMES: tuple[DetectorName, ...] = ("mtcnn", "retinaface")


@pytest.fixture(scope="module", params=NAMES)
def detect(request: pytest.FixtureRequest) -> Detector:
    return load_detector(request.param)


@pytest.fixture(scope="module")
def pixels(sample_data: Path) -> Pixels:
    """A bare face."""
    return decode_photo(min(sample_data.glob("train/images/*/normal.*")).read_bytes())


def find(detect: Detector, pixels: Pixels) -> Face:
    return main_face(detect(pixels), pixels.shape[1], pixels.shape[0])


def test_landmarks_have_their_names_with_left_as_seen_in_the_photo(detect: Detector, pixels: Pixels) -> None:
    marks = dict(zip(LANDMARKS, find(detect, pixels).landmarks, strict=True))
    assert marks["left_eye"][0] < marks["nose"][0] < marks["right_eye"][0]
    assert marks["mouth_left"][0] < marks["nose"][0] < marks["mouth_right"][0]
    assert max(marks["left_eye"][1], marks["right_eye"][1]) < marks["nose"][1]
    assert marks["nose"][1] < min(marks["mouth_left"][1], marks["mouth_right"][1])


def test_larger_photo_gives_the_same_face_in_its_own_pixels(detect: Detector, pixels: Pixels) -> None:
    factor = 2 * LONGEST_SIDE / max(pixels.shape)
    large = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor), np.uint8)
    small_face, large_face = find(detect, pixels), find(detect, large)
    assert np.array(large_face.box) / factor == pytest.approx(np.array(small_face.box), abs=8)
    assert large_face.landmarks / factor == pytest.approx(small_face.landmarks, abs=6)


@pytest.mark.parametrize("shape", [(1, 1), (30, 20), (512, 384), (40, 3000)])
def test_photo_without_a_face_of_any_size_has_none(detect: Detector, shape: tuple[int, int]) -> None:
    assert detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_both_detectors_find_the_same_face(pixels: Pixels) -> None:
    first, second = (find(load_detector(name), pixels) for name in NAMES)
    assert first.landmarks == pytest.approx(second.landmarks, abs=12)
