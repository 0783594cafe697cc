"""From a crop to what the network sees: albumentations pipelines for training and for scoring."""

import os
from typing import TypeAlias

# Without it albumentations asks the network for its newest version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # noqa: N812

from tasks.training.settings import AugmentSettings

Pipeline: TypeAlias = A.Compose
"""Pixels to pixels. Named here for other modules: only this one may import albumentations."""


def training_pipeline(settings: AugmentSettings) -> Pipeline:
    """Changes a photo as training asks for: height x width x 3, 0..255, to the same kind of array."""
    side, shake, light = settings.random_crop, settings.shake, settings.light
    moves = A.Affine(
        scale=(1 - shake, 1 + shake),
        translate_percent=(-shake, shake),
        rotate=(-180 * shake, 180 * shake),
        border_mode=1,
        p=1.0,
    )
    return A.Compose(
        [
            # The ranges of Szegedy et al., "Going deeper with convolutions" (2014), section 6.
            *([A.RandomResizedCrop((side, side), scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3))] if side else []),
            A.HorizontalFlip(p=settings.flip),
            *([moves] if shake else []),
            *([A.RandomBrightnessContrast(light, light, p=1.0)] if light else []),
            *([A.ToGray(p=settings.grey)] if settings.grey else []),
        ]
    )


def scoring_pipeline(settings: AugmentSettings) -> Pipeline:
    """Cuts the middle out if training sees squares; changes nothing else."""
    side = settings.random_crop
    return A.Compose([A.CenterCrop(side, side)] if side else [])
