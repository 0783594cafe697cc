from pathlib import Path

import cv2
import numpy as np
import pytest
from imagehash import ImageHash, hex_to_hash
from PIL import Image, ImageFilter, ImageOps

from tasks.catalog.measure import PhotoFacts, look_at
from tasks.photos import Pixels, decode_photo

ALIKE = 12
"""Bits of 256 that may differ between a photo and the same one saved again."""


@pytest.fixture(scope="module")
def image(sample_data: Path) -> Image.Image:
    """A drawn photo."""
    return Image.fromarray(decode_photo(next((sample_data / "eval/images").iterdir()).read_bytes()))


def facts(image: Image.Image) -> PhotoFacts:
    return look_at(np.asarray(image))


def phash(image: Image.Image) -> ImageHash:
    return hex_to_hash(str(facts(image).phash))


def saved_again(image: Image.Image, folder: Path, quality: int) -> Image.Image:
    image.save(folder / "again.jpg", quality=quality)
    return Image.fromarray(decode_photo((folder / "again.jpg").read_bytes()))


def flat(height: int, width: int, level: int) -> Pixels:
    return np.full((height, width, 3), level, np.uint8)


def test_flat_photo_has_no_edge_and_one_colour() -> None:
    found = look_at(flat(60, 40, 51))
    assert (found.problem, found.width, found.height, found.sharpness) == (None, 40, 60, 0)
    assert [found.mean_r, found.mean_g, found.mean_b] == pytest.approx([0.2] * 3)
    assert [found.square_r, found.square_g, found.square_b] == pytest.approx([0.04] * 3)


def test_sharpness_is_the_variance_of_the_laplacian_of_the_grey_photo(image: Image.Image) -> None:
    grey = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY)
    assert facts(image).sharpness == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var())


def test_blurred_photo_is_less_sharp(image: Image.Image) -> None:
    sharpness = [facts(image.filter(ImageFilter.GaussianBlur(radius))).sharpness for radius in (0, 1, 3)]
    assert sharpness[0] > 2 * sharpness[1] > 4 * sharpness[2]


def test_photo_that_is_saved_again_or_made_smaller_has_nearly_the_same_hash(image: Image.Image, tmp_path: Path) -> None:
    smaller = image.resize((image.width // 2, image.height // 2))
    for other in (saved_again(image, tmp_path, 70), saved_again(image, tmp_path, 95), smaller):
        assert phash(image) - phash(other) <= ALIKE


def test_other_photos_have_other_hashes(image: Image.Image) -> None:
    assert len(phash(image)) == 256
    assert phash(image) - phash(ImageOps.flip(image)) > 8 * ALIKE
