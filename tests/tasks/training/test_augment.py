import os
import subprocess
import sys

import numpy as np
import pytest

from tasks.photos import Pixels
from tasks.training.augment import scoring_pipeline, training_pipeline
from tasks.training.settings import AugmentSettings

PIXELS = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
SHAKEN = AugmentSettings(shake=0.2, light=0.2, grey=0.3)


def augmented(settings: AugmentSettings, seed: int = 1, pixels: Pixels = PIXELS) -> np.ndarray:
    pipeline = training_pipeline(settings)
    pipeline.set_random_seed(seed)
    return np.asarray(pipeline(image=pixels)["image"])


def test_scoring_changes_nothing() -> None:
    assert np.array_equal(scoring_pipeline(SHAKEN)(image=PIXELS)["image"], PIXELS)


def test_training_without_augmentation_sees_what_scoring_sees() -> None:
    assert np.array_equal(augmented(AugmentSettings(flip=0)), PIXELS)


def test_flip_mirrors() -> None:
    assert np.array_equal(augmented(AugmentSettings(flip=1)), PIXELS[:, ::-1])


def test_grey_photo_has_three_equal_channels() -> None:
    grey = augmented(AugmentSettings(flip=0, grey=1))
    assert grey.shape == PIXELS.shape
    assert (grey == grey[..., :1]).all()


def test_random_squares_in_training_and_the_middle_one_in_scoring() -> None:
    settings = AugmentSettings(flip=0, random_crop=24)
    assert np.array_equal(scoring_pipeline(settings)(image=PIXELS)["image"], PIXELS[8:32, 3:27])
    looks = [augmented(settings, seed) for seed in range(3)]
    assert {look.shape for look in looks} == {(24, 24, 3)}
    assert not np.array_equal(looks[0], looks[1])


@pytest.mark.parametrize("change", [{"shake": 0.1}, {"light": 0.3}], ids=["shake", "light"])
def test_augmentation_follows_from_the_seed(change: dict[str, float]) -> None:
    settings = AugmentSettings(flip=0).model_copy(update=change)
    first, again, other = (augmented(settings, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.shape, first.dtype) == (PIXELS.shape, np.uint8)


@pytest.mark.parametrize("change", [{"shake": 0.1}, {"light": 0.3}], ids=["shake", "light"])
def test_every_training_photo_is_augmented(change: dict[str, float]) -> None:
    settings = AugmentSettings(flip=0).model_copy(update=change)
    assert not any(np.array_equal(augmented(settings, seed), PIXELS) for seed in range(20))


def test_albumentations_is_told_not_to_ask_the_network_before_it_is_imported() -> None:
    script = """
import os, sys
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        assert name != "albumentations" or os.environ.get("NO_ALBUMENTATIONS_UPDATE") == "1"

sys.meta_path.insert(0, Watch())
import tasks.training.augment
assert "albumentations" in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
