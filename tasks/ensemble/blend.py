"""Putting the fold models' probabilities together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.errors import DataError, fault, raise_faults
from tasks.tables import CLASS_COLUMNS


def join_oof(folds: Sequence[pd.DataFrame], photos: pd.Series) -> pd.DataFrame:
    """Out-of-fold probabilities of all folds, in the order of `photos`.

    Raises:
        DataError: a photo was held out by no fold or by several, or a fold scored a photo that is not in `photos`.
    """
    together = pd.concat(folds, ignore_index=True)
    raise_faults(
        (
            *fault(
                "photos were held out more than once", list(together["photo"][together["photo"].duplicated()]), _AGAIN
            ),
            *fault("photos were never held out", sorted(set(photos) - set(together["photo"])), _AGAIN),
            *fault("scored photos are no training photos", sorted(set(together["photo"]) - set(photos)), _AGAIN),
        ),
        "The fold models do not fit together",
    )
    return together.set_index("photo").loc[photos.tolist()].reset_index()


_AGAIN = "All fold models must come from the same folds artifact; train them again."


def soft_vote(models: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean of the models' probabilities, photo by photo.

    Raises:
        DataError: the models did not look at the same photos in the same order.
    """
    first = models[0]
    if any(not model["photo"].equals(first["photo"]) for model in models):
        raise DataError("The models have not looked at the same photos in the same order. Train them on one catalog.")
    mean = np.mean([model[CLASS_COLUMNS].to_numpy() for model in models], axis=0)
    return pd.DataFrame(mean, columns=CLASS_COLUMNS).assign(photo=first["photo"])
