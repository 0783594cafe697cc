"""Small things to train on: squares of a colour that says the class, and a network that learns it in a moment."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tasks.classes import CLASS_COUNT
from tasks.store.checkpoints import Checkpoints
from tasks.store.folder import FolderBackend
from tasks.store.manifest import ArtifactRef
from tasks.tables import CROPS
from tasks.training.data import Crops, Feed, Rows
from tasks.training.fit import Course, Fit, FoldRows, fit
from tasks.training.loss import Loss
from tasks.training.model import HEAD_SIZES, Classifier
from tasks.training.score import Scored, score
from tasks.training.settings import (
    AugmentSettings,
    LossSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from tasks.training.state import TrainingState, new_state

TINY = TrainingSettings(
    backbone="test_resnet.r160_in1k",
    pretrained=False,
    hidden=16,
    epochs=3,
    batch_size=8,
    loss=LossSettings(gamma=2.0),
    optimiser=OptimiserSettings(learning_rate=5e-3),
    schedule=ScheduleSettings(milestones=()),
    augment=AugmentSettings(flip=0.0),
)
CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def tiny() -> TrainingSettings:
    return TINY


@pytest.fixture(scope="session")
def photos() -> pd.DataFrame:
    """72 photos, four of each class."""
    classes = np.arange(72) % CLASS_COUNT
    ages = pd.array(np.array([20, 40, 70])[classes % 3], dtype="Int16")
    return pd.DataFrame({"photo": [f"{number:02}.jpg" for number in range(72)], "class": classes, "age": ages})


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


class Lab:
    """Trains on the squares: on the first 48 photos, scoring the rest."""

    def __init__(self, crops: Crops, photos: pd.DataFrame, folder: Path) -> None:
        self._crops = crops
        self._photos = photos
        self.rows = FoldRows(np.arange(48), np.arange(48, 72), np.arange(48, 72))
        self.checkpoints = Checkpoints(FolderBackend(folder), ArtifactRef(step="training", key="0" * 64))

    def course(self, settings: TrainingSettings, parts: int = 1) -> Course:
        """What stays the same in a training with these settings."""
        feed = Feed(self._crops, self._photos, settings)
        loss = Loss(settings, feed.classes[self.rows.training], HEAD_SIZES[settings.heads])
        return Course(feed, self.rows, settings, loss, parts, "Fold 0")

    def fit(self, settings: TrainingSettings, state: TrainingState | None = None, course: Course | None = None) -> Fit:
        """A training with these settings, from the start or from `state` on."""
        state = state or new_state(settings, (32, 32), CPU)
        return fit(course or self.course(settings), state, self.checkpoints, lambda *_: None, lambda _: None)

    def score(self, settings: TrainingSettings, state: TrainingState, rows: Rows) -> Scored:
        """What the classifier of `state` says of the photos in these rows."""
        course = self.course(settings)
        return score(state.scored, course.feed, rows, course.loss, settings, lambda *_: None)


@pytest.fixture
def lab(crops: Crops, photos: pd.DataFrame, tmp_path: Path) -> Lab:
    return Lab(crops, photos, tmp_path / "store")


def small_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let training run out of memory over more than `most` photos at a time."""
    honest = Classifier.forward

    def forward(self: Classifier, photos: Tensor) -> Tensor:
        if self.training and len(photos) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return honest(self, photos)

    monkeypatch.setattr(Classifier, "forward", forward)
