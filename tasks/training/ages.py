"""Where training draws the lines between age groups."""

import numpy as np
import pandas as pd

from tasks.classes import AGE_GROUPS
from tasks.training.settings import AgesSettings


def relabel_ages(photos: pd.DataFrame, settings: AgesSettings) -> pd.DataFrame:
    """Training photos without the ages that are left out, and with the classes that training gives them.

    Only ever for photos that are trained on: those that are scored keep the data set's own classes.

    Args:
        photos: columns age (years) and class (0..17) of the catalog, and any others.
        settings: where the lines are.
    """
    kept = photos[~photos["age"].isin(settings.leave_out)]
    groups = np.digitize(kept["age"].to_numpy(np.int64), [settings.middle_from, settings.old_from])
    return kept.assign(**{"class": kept["class"] // len(AGE_GROUPS) * len(AGE_GROUPS) + groups})
