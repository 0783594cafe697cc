"""Splitting training photos into folds of like class shares."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.errors import DataError, fault, raise_faults
from tasks.folds.settings import FoldsSettings


def split(photos: pd.DataFrame, settings: FoldsSettings) -> NDArray[np.int64]:
    """Fold of every training photo, shape (photos,), stratified over the 18 classes.

    Args:
        photos: the catalog's training rows.
        settings: how to split.

    Raises:
        DataError: a photo has no id or no class, or there are too few persons (or photos) for so many folds.
    """
    raise_faults(
        fault(
            "training photos have no id or no class",
            photos.loc[photos[["group", "class"]].isna().any(axis=1), "photo"].tolist(),
            "Correct train.csv: such photos can be checked, but not be learnt from.",
        ),
        "The photos cannot be split into folds",
    )
    folds = _deal(photos, settings)
    if len(np.unique(folds)) < settings.count:
        by_id = settings.by == "person"
        units = f"{photos['group'].nunique()} ids of persons" if by_id else f"{photos['photo'].nunique()} photos"
        raise DataError(
            f"{units} are too few to be split into {settings.count} folds of like class shares. "
            "Add data, or ask for fewer folds (--set folds.count=2)."
        )
    return folds


def _deal(photos: pd.DataFrame, settings: FoldsSettings) -> NDArray[np.int64]:
    """Fold of every photo; folds are missing from it where there are not enough persons (or photos)."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    units = photos["group"] if settings.by == "person" else photos["photo"]
    kind = StratifiedGroupKFold if settings.by == "person" else StratifiedKFold
    folder = kind(settings.count, shuffle=True, random_state=settings.seed)
    folds = np.zeros(len(photos), np.int64)
    if min(units.nunique(), photos["class"].value_counts().max()) < settings.count:
        return folds  # scikit-learn would refuse in words of its own
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
