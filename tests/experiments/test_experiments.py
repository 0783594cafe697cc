from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from flows.experiments import resolve_experiment, shipped_experiments
from tasks.tables import CROPS
from tasks.training.data import Crops, Feed
from tasks.training.dlib_net import FACES
from tasks.training.fit import Course, FoldRows, compute_heads, train_batch
from tasks.training.loss import Loss
from tasks.training.score import score
from tasks.training.settings import TrainingSettings
from tasks.training.state import new_state

TABLE = {
    "effnet-b4-260x200-flip": ("tf_efficientnet_b4", (260, 200), 32, 9, 3e-4, 1e-2, "adamp"),
    "effnet-b3-260x200-flip": ("tf_efficientnet_b3", (260, 200), 32, 9, 3e-4, 1e-2, "adamp"),
    "effnet-b4-350-resize": ("tf_efficientnet_b4", (350, 350), 16, 8, 3e-4, 1e-2, "adamp"),
    "effnet-b4-crop350-sgdp10": ("tf_efficientnet_b4", (350, 350), 16, 10, 1e-1, 1e-5, "sgdp"),
    "effnet-b4-crop350-sgdp4": ("tf_efficientnet_b4", (350, 350), 16, 4, 1e-1, 1e-5, "sgdp"),
    "effnet-b4-crop350": ("tf_efficientnet_b4", (350, 350), 16, 10, 3e-4, 1e-2, "adamp"),
    "effnet-b4-crop350-17": ("tf_efficientnet_b4", (350, 350), 16, 17, 3e-4, 1e-2, "adamp"),
    "resnext50-crop350": ("resnext50_32x4d", (350, 350), 32, 10, 3e-4, 1e-2, "adamp"),
    "vit-b16-crop384": ("vit_base_patch16_384", (384, 384), 16, 10, 1e-4, 1e-6, "adamp"),
    "vit-l32-crop224": ("vit_large_patch32_224.orig_in21k", (224, 224), 16, 3, 1e-4, 1e-6, "adamp"),
    "resnet50-crop350": ("resnet50", (350, 350), 32, 10, 3e-4, 1e-2, "adamp"),
    "vit-b16-crop350-up384": ("vit_base_patch16_384", (384, 384), 16, 10, 3e-4, 1e-2, "adamp"),
    "resnet50-3x3x2": ("resnet50", (341, 256), 256, 10, 1e-4, 0.0, "adam"),
}
"""The rows of the report's table: backbone, size of the crops, batch, epochs, rate, decay, optimiser."""


@pytest.mark.parametrize("name", TABLE)
def test_row_of_the_table_says_what_the_table_says(name: str) -> None:
    experiment = resolve_experiment(name, environment={})
    training, size = experiment.training, experiment.prepare
    assert TABLE[name] == (
        training.backbone,
        (size.height, size.width),
        training.batch_size,
        training.epochs,
        training.optimiser.learning_rate,
        training.optimiser.weight_decay,
        training.optimiser.name,
    )
    assert experiment.folds.by == "photo"
    assert experiment.folds.models == 1
    assert "without regard to persons" in " ".join(experiment.about.split())


@pytest.mark.parametrize("name", shipped_experiments())
def test_shipped_experiment_takes_a_step_and_scores(name: str, tmp_path: Path) -> None:
    settings = resolve_experiment(name, environment={}).training.model_copy(
        update={"pretrained": False, "batch_size": 2}
    )
    smallest = (103, 103) if settings.backbone == FACES else (96, 64)  # a multiple of the patches of every ViT
    size = max(smallest, (settings.augment.random_crop,) * 2)
    feed = two_photos(settings, size, tmp_path)
    state = new_state(settings, size, torch.device("cpu"))
    rows = np.arange(2)
    loss = Loss(settings, feed.classes, state.classifier.head_sizes)
    course = Course(feed, FoldRows(rows, rows, rows), settings, loss, 1, name)
    before = state.classifier.heads.weight.detach().clone()
    state.classifier.train()
    if settings.first_epoch == "discriminant":
        step = torch.tensor(compute_heads(course, state, lambda *_: None))
    else:
        step = train_batch(course, state, next(feed.batches(rows, epoch=1)), np.random.default_rng(1))
    scored = score(state.scored, feed, rows, loss, settings, lambda *_: None)
    assert step.isfinite()
    assert not torch.equal(state.classifier.heads.weight, before)
    assert scored.probabilities.shape == (2, 18)
    assert scored.probabilities.sum(axis=1) == pytest.approx(1)
    assert np.isfinite(scored.loss)


def two_photos(settings: TrainingSettings, size: tuple[int, int], folder: Path) -> Feed:
    """Noise of that height and width."""
    np.save(folder / "crops-000.npy", np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8))
    photos = pd.DataFrame({"photo": ["a.jpg", "b.jpg"], "class": [0, 11], "age": pd.array([20, 70], "Int16")})
    CROPS.write(photos[["photo"]].assign(shard="crops-000.npy", row=[0, 1]), folder / "crops.parquet")
    files = {path.name: path for path in folder.iterdir()}
    return Feed(Crops(files), photos, settings)
