"""Small things to train on: squares of a colour that says the class, and a network that learns it in a moment."""

from collections.abc import Iterator
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


def write_crops(photos: pd.DataFrame, side: int, folder: Path) -> dict[str, Path]:
    """A crops artifact's files: squares in two shards, coloured by mask, gender and age, with some noise."""
    random = np.random.default_rng(1)
    classes = photos["class"].to_numpy()
    colour = np.stack([classes // 6 * 100, classes // 3 % 2 * 200, classes % 3 * 100], axis=1) + 20
    pixels = np.clip(colour[:, None, None, :] + random.normal(0, 10, (72, side, side, 3)), 0, 255).astype(np.uint8)
    np.save(folder / "crops-000.npy", pixels[:50])
    np.save(folder / "crops-001.npy", pixels[50:])
    places = [("crops-000.npy", row) for row in range(50)] + [("crops-001.npy", row) for row in range(22)]
    CROPS.write(pd.DataFrame(places, columns=["shard", "row"]).assign(photo=photos["photo"]), folder / "crops.parquet")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def crop_files(photos: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Crops of 32 x 32."""
    return write_crops(photos, 32, tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="session")
def crops(crop_files: dict[str, Path]) -> Crops:
    return Crops(crop_files)


@pytest.fixture(scope="module", autouse=True)
def device() -> Iterator[torch.device]:
    """Where tests compute: on the CPU, whatever the machine has; test_cuda.py has a fixture of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")  # for the processes that a test starts
        yield CPU


class KilledError(Exception):
    """Stands for a kill right after a checkpoint."""


class Lab:
    """Trains on the squares: on the first 48 photos, scoring the rest."""

    def __init__(self, crops: Crops, photos: pd.DataFrame, folder: Path, device: torch.device = CPU) -> None:
        self._crops = crops
        self._photos = photos
        self._device = device
        self.rows = FoldRows(np.arange(48), np.arange(48, 72), np.arange(48, 72))
        self.checkpoints = Checkpoints(FolderBackend(folder), ArtifactRef(step="training", key="0" * 64))

    def course(self, settings: TrainingSettings, parts: int = 1) -> Course:
        """What stays the same in a training with these settings."""
        feed = Feed(self._crops, self._photos, settings)
        loss = Loss(settings, feed.classes[self.rows.training], HEAD_SIZES[settings.heads])
        return Course(feed, self.rows, settings, loss, parts, "Fold 0")

    def fit(self, settings: TrainingSettings, state: TrainingState | None = None, course: Course | None = None) -> Fit:
        """A training with these settings, from the start or from `state` on."""
        state = state or new_state(settings, self._crops.size, self._device)
        return fit(course or self.course(settings), state, self.checkpoints, lambda *_: None, lambda _: None)

    def fit_interrupted(self, settings: TrainingSettings) -> Fit:
        """A training with these settings that is killed before its last epoch, and goes on."""

        def kill(row: dict[str, float]) -> None:
            if row["epoch"] == settings.epochs - 1:
                raise KilledError

        size, device = self._crops.size, self._device
        with pytest.raises(KilledError):
            fit(self.course(settings), new_state(settings, size, device), self.checkpoints, lambda *_: None, kill)
        found = self.checkpoints.latest()
        assert found
        assert found.number == settings.epochs - 1
        state = new_state(settings, size, device)
        state.read(found.paths)
        return self.fit(settings, state)

    def score(self, settings: TrainingSettings, state: TrainingState, rows: Rows) -> Scored:
        """What the classifier of `state` says of the photos in these rows."""
        course = self.course(settings)
        return score(state.scored, course.feed, rows, course.loss, settings, lambda *_: None)


@pytest.fixture
def lab(crops: Crops, photos: pd.DataFrame, tmp_path: Path, device: torch.device) -> Lab:
    return Lab(crops, photos, tmp_path / "store", device)


def small_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let a classifier run out of memory over more than `most` photos at a time."""
    honest = Classifier.forward

    def forward(self: Classifier, photos: Tensor) -> Tensor:
        if len(photos) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return honest(self, photos)

    monkeypatch.setattr(Classifier, "forward", forward)
