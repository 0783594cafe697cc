import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.training import data
from tasks.training.data import UNKNOWN, Batch, Crops, Feed
from tasks.training.settings import AugmentSettings, TrainingSettings


def shown(batches: list[Batch]) -> dict[str, torch.Tensor]:
    """What every photo looks like, in the order in which it comes."""
    return {photo: pixels for batch in batches for photo, pixels in zip(batch.photos, batch.pixels, strict=True)}


SHAKEN = AugmentSettings(shake=0.2, light=0.2, grey=0.3)


@pytest.fixture
def feed(crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings) -> Feed:
    return Feed(crops, photos, tiny.model_copy(update={"augment": SHAKEN}))


def test_crop_is_found_by_its_photo_in_any_shard(
    crops: Crops, photos: pd.DataFrame, crop_files: dict[str, Path]
) -> None:
    arrays = np.concatenate([np.load(crop_files[f"crops-00{number}.npy"]) for number in (0, 1)])
    assert crops.size == (32, 32)
    for number, photo in enumerate(photos["photo"]):
        assert np.array_equal(crops[photo], arrays[number])


def test_crops_stay_right_when_their_pages_are_given_back(
    crop_files: dict[str, Path], photos: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "FORGET_AFTER", 5000)
    crops, untouched = Crops(crop_files), Crops(crop_files)
    for photo in (*photos["photo"], *photos["photo"]):
        crop = crops[photo]
        assert np.array_equal(crop, untouched[photo])


def test_crops_travel_to_other_processes_without_their_pixels(crop_files: dict[str, Path]) -> None:
    crops = Crops(crop_files)
    pixels = crops["03.jpg"]
    packed = pickle.dumps(crops)
    assert len(packed) < 5000
    assert np.array_equal(pickle.loads(packed)["03.jpg"], pixels)  # noqa: S301 - as multiprocessing does


def test_what_a_photo_looks_like_does_not_depend_on_its_neighbours(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, feed: Feed
) -> None:
    everything = shown(list(feed.batches(np.arange(72), 3)))
    some = shown(list(feed.batches(np.arange(30, 10, -1), 3)))
    assert all(torch.equal(pixels, everything[photo]) for photo, pixels in some.items())
    turned = Feed(crops, photos[::-1], tiny.model_copy(update={"augment": SHAKEN}))
    assert torch.equal(shown(list(turned.batches(np.arange(3), 3)))["71.jpg"], everything["71.jpg"])
    assert not torch.equal(everything["00.jpg"], shown(list(feed.batches(np.arange(72), 4)))["00.jpg"])


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more processes than cores are as right
def test_worker_processes_show_the_very_same_photos(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, feed: Feed
) -> None:
    helped = Feed(crops, photos, tiny.model_copy(update={"augment": SHAKEN}), workers=2)
    for rows, epoch in ((np.arange(71, -1, -1), 2), (np.arange(20), 0), (np.arange(40), 3)):
        alone, together = list(feed.batches(rows, epoch)), list(helped.batches(rows, epoch))
        assert [batch.photos for batch in alone] == [batch.photos for batch in together]
        assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(alone, together, strict=True))


def test_batches_come_in_the_asked_order_with_classes_and_ages(feed: Feed, photos: pd.DataFrame) -> None:
    first, second, third = feed.batches(np.array([5, 71, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0]))
    assert first.photos == ["05.jpg", "71.jpg", "03.jpg", "08.jpg", "09.jpg", "10.jpg", "11.jpg", "12.jpg"]
    assert first.classes.tolist() == photos["class"].iloc[[5, 71, 3, 8, 9, 10, 11, 12]].tolist()
    assert first.ages.tolist() == photos["age"].iloc[[5, 71, 3, 8, 9, 10, 11, 12]].tolist()
    assert (len(second.photos), third.photos) == (8, ["00.jpg"])


def test_batch_is_bytes_and_channels_last_in_memory(feed: Feed) -> None:
    batch = next(feed.batches(np.arange(8)))
    assert (batch.pixels.shape, batch.pixels.dtype) == ((8, 3, 32, 32), torch.uint8)
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)


def test_hidden_class_and_age_are_unknown(crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings) -> None:
    hidden = photos.assign(
        **{"class": pd.array([pd.NA] * len(photos), "Int8"), "age": pd.array([pd.NA] * len(photos), "Int16")}
    )
    batch = next(Feed(crops, hidden, tiny).batches(np.arange(4)))
    assert batch.classes.tolist() == [UNKNOWN] * 4
    assert batch.ages.isnan().all()


def test_time_that_somebody_waits_for_photos_is_counted(feed: Feed) -> None:
    for _ in feed.batches(np.arange(72)):
        pass
    assert 0 < feed.waited < 10
