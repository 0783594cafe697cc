"""Which photos an epoch of training sees, and in what order."""

import numpy as np

from tasks.training.data import Rows
from tasks.training.settings import TrainingSettings


def training_order(rows: Rows, classes: Rows, settings: TrainingSettings, epoch: int) -> Rows:
    """Rows in the order in which an epoch sees them; follows from seed and epoch alone.

    Args:
        rows: rows of the training photos.
        classes: their classes 0..17.
        settings: whether all are seen once, or as many are drawn with all classes alike.
        epoch: number of the epoch, from 1.
    """
    random = np.random.default_rng([settings.seed, epoch])
    if settings.sampling == "balanced":
        weights = 1 / np.bincount(classes)[classes]
        order = random.choice(rows, len(rows), p=weights / weights.sum())
    else:
        order = random.permutation(rows)
    # A last batch of one photo would break batch norm; its photo is seen in other epochs.
    lone = len(order) % settings.batch_size == 1
    return order[:-1] if lone else order
