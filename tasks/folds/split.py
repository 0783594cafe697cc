"""Splitting training photos into folds of like class shares."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.errors import DataError
from tasks.folds.settings import FoldsSettings


def split(photos: pd.DataFrame, settings: FoldsSettings) -> NDArray[np.int64]:
    """Fold of every training photo, shape (photos,), stratified over the 18 classes.

    Args:
        photos: the catalog's training rows.
        settings: how to split.

    Raises:
        DataError: there are fewer persons (or photos) than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    units = photos["group"] if settings.by == "person" else photos["photo"]
    if units.nunique() < settings.count:
        raise DataError(
            f"{units.nunique()} {settings.by}s cannot be split into {settings.count} folds. "
            "Add data, or ask for fewer folds (--set folds.count=2)."
        )
    kind = StratifiedGroupKFold if settings.by == "person" else StratifiedKFold
    folder = kind(settings.count, shuffle=True, random_state=settings.seed)
    folds = np.empty(len(photos), np.int64)
    with warnings.catch_warnings():
        # It warns of classes with fewer photos than folds; `missing_classes` says so in our words.
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, held_out) in enumerate(folder.split(photos, photos["class"], units)):
            folds[held_out] = fold
    return folds


def missing_classes(photos: pd.DataFrame, folds: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Every (fold, class) such that no photo of the class is in the fold, of classes that occur at all."""
    counts = pd.crosstab(folds, photos["class"].to_numpy())
    places = np.argwhere((counts == 0).to_numpy())
    return [(int(counts.index[row]), int(counts.columns[column])) for row, column in places]
