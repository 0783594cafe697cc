"""From a crop to what the network sees: albumentations pipelines for training and for scoring."""

import os

# Without it albumentations asks the network for its newest version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812

from tasks.training.settings import TrainingSettings


def training_pipeline(settings: TrainingSettings) -> A.Compose:
    """Augments and normalises: height x width x 3, 0..255, to the same shape in floats."""
    return A.Compose([A.HorizontalFlip(p=settings.flip), _normalise(settings)], seed=settings.seed)


def scoring_pipeline(settings: TrainingSettings) -> A.Compose:
    """Normalises only."""
    return A.Compose([_normalise(settings)], seed=settings.seed)


def _normalise(settings: TrainingSettings) -> A.Normalize:
    return A.Normalize(settings.mean, settings.std)
