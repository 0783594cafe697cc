"""Small things to train on: squares of a colour that says the class, and a network that learns it in a moment."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.classes import CLASS_COUNT
from tasks.tables import CROPS
from tasks.training.augment import scoring_pipeline
from tasks.training.data import Batches, CropDataset, Crops
from tasks.training.settings import TrainingSettings

TINY = TrainingSettings(
    backbone="test_resnet.r160_in1k",
    pretrained=False,
    hidden=16,
    epochs=3,
    batch_size=8,
    learning_rate=5e-3,
    milestones=(),
    focal_gamma=2.0,
    flip=0.0,
)


@pytest.fixture(scope="session")
def tiny() -> TrainingSettings:
    return TINY


@pytest.fixture(scope="session")
def photos() -> pd.DataFrame:
    """72 photos, four of each class."""
    classes = np.arange(72) % CLASS_COUNT
    return pd.DataFrame({"photo": [f"{number:02}.jpg" for number in range(72)], "class": classes})


@pytest.fixture(scope="session")
def crop_files(photos: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A crops artifact's files: 32 x 32 squares in two shards, coloured by mask, gender and age, with some noise."""
    folder = tmp_path_factory.mktemp("crops")
    random = np.random.default_rng(1)
    classes = photos["class"].to_numpy()
    colour = np.stack([classes // 6 * 100, classes // 3 % 2 * 200, classes % 3 * 100], axis=1) + 20
    pixels = np.clip(colour[:, None, None, :] + random.normal(0, 10, (72, 32, 32, 3)), 0, 255).astype(np.uint8)
    np.save(folder / "crops-000.npy", pixels[:50])
    np.save(folder / "crops-001.npy", pixels[50:])
    places = [("crops-000.npy", row) for row in range(50)] + [("crops-001.npy", row) for row in range(22)]
    CROPS.write(pd.DataFrame(places, columns=["shard", "row"]).assign(photo=photos["photo"]), folder / "crops.parquet")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def crops(crop_files: dict[str, Path]) -> Crops:
    return Crops(crop_files)


@pytest.fixture
def dataset(crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings) -> CropDataset:
    return CropDataset(crops, photos, scoring_pipeline(tiny), seed=1)


@pytest.fixture
def training(dataset: CropDataset) -> Batches:
    return Batches(dataset, 8, seed=1, shuffle=True)


@pytest.fixture
def held_out(dataset: CropDataset) -> Batches:
    return Batches(dataset, 8, seed=1, shuffle=False)
