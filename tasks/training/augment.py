"""From a crop to what the network sees: albumentations pipelines for training and for scoring."""

import os
from typing import TypeAlias

# Without it albumentations asks the network for its newest version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812

from tasks.training.settings import TrainingSettings

Pipeline: TypeAlias = A.Compose
"""Photos to what the network sees. Named here for other modules: only this one may import albumentations."""


def training_pipeline(settings: TrainingSettings) -> Pipeline:
    """Augments and normalises: height x width x 3, 0..255, to the same shape in floats."""
    shake, light = settings.shake, settings.light
    moves = A.Affine(
        scale=(1 - shake, 1 + shake),
        translate_percent=(-shake, shake),
        rotate=(-180 * shake, 180 * shake),
        border_mode=1,
        p=1.0,
    )
    lights = A.RandomBrightnessContrast(light, light, p=1.0)
    changes = [A.HorizontalFlip(p=settings.flip), *([moves] if shake else []), *([lights] if light else [])]
    return A.Compose([*changes, _normalise(settings)], seed=settings.seed)


def scoring_pipeline(settings: TrainingSettings) -> Pipeline:
    """Normalises only."""
    return A.Compose([_normalise(settings)], seed=settings.seed)


def _normalise(settings: TrainingSettings) -> A.Normalize:
    return A.Normalize(settings.mean, settings.std)
