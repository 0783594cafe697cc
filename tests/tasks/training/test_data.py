import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.photos import Pixels
from tasks.training.augment import scoring_pipeline, training_pipeline
from tasks.training.data import UNKNOWN, Batches, CropDataset, Crops
from tasks.training.settings import TrainingSettings

PIXELS = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)


def augmented(settings: TrainingSettings, seed: int = 1, pixels: Pixels = PIXELS) -> np.ndarray:
    pipeline = training_pipeline(settings)
    pipeline.set_random_seed(seed)
    return np.asarray(pipeline(image=pixels)["image"])


def shown(batches: Batches, epoch: int) -> dict[str, torch.Tensor]:
    """What every photo looks like in an epoch, in the order in which it comes."""
    return {
        photo: pixels
        for batch in batches.epoch(epoch)
        for photo, pixels in zip(batch.photos, batch.pixels, strict=True)
    }


def test_scoring_normalises_and_changes_nothing_else() -> None:
    settings = TrainingSettings(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    expected = (PIXELS / 255 - (0.1, 0.2, 0.3)) / (0.4, 0.5, 0.6)
    assert scoring_pipeline(settings)(image=PIXELS)["image"] == pytest.approx(expected, abs=1e-5)


def test_training_without_augmentation_sees_what_scoring_sees() -> None:
    settings = TrainingSettings(flip=0)
    assert np.array_equal(augmented(settings), scoring_pipeline(settings)(image=PIXELS)["image"])


def test_flip_mirrors() -> None:
    assert np.array_equal(
        augmented(TrainingSettings(flip=1)), augmented(TrainingSettings(flip=0), pixels=PIXELS[:, ::-1])
    )


@pytest.mark.parametrize("change", [{"shake": 0.1}, {"light": 0.3}], ids=["shake", "light"])
def test_augmentation_follows_from_the_seed(change: dict[str, float]) -> None:
    settings = TrainingSettings(flip=0).model_copy(update=change)
    first, again, other = (augmented(settings, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == PIXELS.shape


@pytest.mark.parametrize("change", [{"shake": 0.1}, {"light": 0.3}], ids=["shake", "light"])
def test_every_training_photo_is_augmented(change: dict[str, float]) -> None:
    settings = TrainingSettings(flip=0).model_copy(update=change)
    plain = scoring_pipeline(settings)(image=PIXELS)["image"]
    assert not any(np.array_equal(augmented(settings, seed), plain) for seed in range(20))


def test_crop_is_found_by_its_photo_in_any_shard(
    crops: Crops, photos: pd.DataFrame, crop_files: dict[str, Path]
) -> None:
    arrays = np.concatenate([np.load(crop_files[f"crops-00{number}.npy"]) for number in (0, 1)])
    assert crops.size == (32, 32)
    for number, photo in enumerate(photos["photo"]):
        assert np.array_equal(crops[photo], arrays[number])


def test_what_a_photo_looks_like_does_not_depend_on_its_neighbours(crops: Crops, photos: pd.DataFrame) -> None:
    settings = TrainingSettings(shake=0.2, light=0.2)

    def batches(rows: pd.DataFrame) -> Batches:
        return Batches(CropDataset(crops, rows, training_pipeline(settings), 1), 8, 1, shuffle=False)

    all_photos, some_photos = shown(batches(photos), 3), shown(batches(photos[10:30][::-1]), 3)
    assert all(torch.equal(pixels, all_photos[photo]) for photo, pixels in some_photos.items())
    assert not torch.equal(all_photos["00.jpg"], shown(batches(photos), 4)["00.jpg"])


def test_every_epoch_shuffles_anew_and_repeats_itself(training: Batches) -> None:
    first, again, second = (list(shown(training, number)) for number in (1, 1, 2))
    assert first == again
    assert first != second
    assert sorted(first) == sorted(second)


def test_batches_that_are_not_shuffled_come_in_order(held_out: Batches, photos: pd.DataFrame) -> None:
    assert list(shown(held_out, 0)) == photos["photo"].tolist()


@pytest.mark.parametrize(("shuffle", "count"), [(True, 8), (False, 9)])
def test_lone_last_photo_is_left_out_of_training_alone(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, shuffle: bool, count: int
) -> None:
    dataset = CropDataset(crops, photos[:9], scoring_pipeline(tiny), 1)
    assert len(shown(Batches(dataset, 4, 1, shuffle=shuffle), 1)) == count


def test_batch_is_channels_last_in_memory(held_out: Batches) -> None:
    batch = next(held_out.epoch(0))
    assert batch.pixels.shape == (8, 3, 32, 32)
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
    assert batch.classes.tolist() == list(range(8))


def test_hidden_class_is_unknown(crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings) -> None:
    hidden = photos.assign(**{"class": pd.array([pd.NA] * len(photos), dtype="Int8")})
    batch = next(Batches(CropDataset(crops, hidden, scoring_pipeline(tiny), 1), 4, 1, shuffle=False).epoch(0))
    assert batch.classes.tolist() == [UNKNOWN] * 4


def test_albumentations_is_told_not_to_ask_the_network_before_it_is_imported() -> None:
    script = """
import os, sys
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        assert name != "albumentations" or os.environ.get("NO_ALBUMENTATIONS_UPDATE") == "1"

sys.meta_path.insert(0, Watch())
import tasks.training.data
assert "albumentations" in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
