"""Suspects by confident learning, one attribute at a time.

Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021), as
cleanlab implements it. A label is in doubt if the models give another value at least the probability that photos
which carry that value get for it on average.
"""

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues

from tasks.classes import ATTRIBUTES
from tasks.metrics import Labels, Probabilities, marginals
from tasks.tables import CLASS_COLUMNS, SUSPECTS

LABEL_COLUMNS = {"mask": "state", "gender": "gender", "age": "age_group"}
"""The catalog's column that gives an attribute's value."""
PERSON_ATTRIBUTES = ("gender", "age")
"""Attributes labelled once a person: all photos of a person are right or wrong together."""
BARE = "normal"
"""State of the photo that stands for a person: its face hides nothing."""


def list_suspects(catalog: pd.DataFrame, oof: pd.DataFrame) -> pd.DataFrame:
    """The suspects table: the label that gets the lowest probability first.

    Args:
        catalog: the catalog table.
        oof: the probabilities table of training photos; other photos are left out.
    """
    photos = catalog.merge(oof, on="photo", validate="one_to_one")
    beliefs = marginals(photos[CLASS_COLUMNS].to_numpy(dtype=np.float64))
    found = [
        _suspects_of(attribute, *(_by_person(photos, belief) if attribute in PERSON_ATTRIBUTES else (photos, belief)))
        for attribute, belief in beliefs.items()
    ]
    return SUSPECTS.conform(pd.concat(found).sort_values(["confidence", "photo", "attribute"]))


def _by_person(photos: pd.DataFrame, belief: Probabilities) -> tuple[pd.DataFrame, Probabilities]:
    """One representative photo a person, and the mean of the probabilities of the person's photos."""
    means = pd.DataFrame(belief).groupby(photos["person"]).mean()
    # Sorted by this key, a person's bare photo comes first; without one it is the first photo by name.
    hidden_first = photos.assign(hidden=photos["state"] != BARE).sort_values(["person", "hidden", "photo"])
    representatives = hidden_first.drop_duplicates("person").reset_index(drop=True)
    return representatives, means.loc[representatives["person"]].to_numpy()


def _suspects_of(attribute: str, photos: pd.DataFrame, belief: Probabilities) -> pd.DataFrame:
    """Suspects among `photos`, unsorted, given the probabilities of the attribute's values, row by row."""
    values = ATTRIBUTES[attribute]
    given: Labels = photos[LABEL_COLUMNS[attribute]].map(values.index).to_numpy(dtype=np.int64)
    # Where all photos carry the same value there is nothing to compare it with.
    several = len(np.unique(given)) > 1
    issues = find_label_issues(given, belief, filter_by="confident_learning", n_jobs=1) if several else []
    doubted = np.flatnonzero(issues)
    return photos.iloc[doubted][["photo", "person"]].assign(
        attribute=attribute,
        given=[values[index] for index in given[doubted]],
        suggested=[values[index] for index in belief[doubted].argmax(axis=1)],
        confidence=belief[doubted, given[doubted]],
    )
