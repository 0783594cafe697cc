from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.classes import AGE_GROUPS, GENDERS, STATE_OF_FILE, encode_class
from tasks.errors import DataError
from tasks.folds.settings import FoldsSettings
from tasks.folds.split import missing_classes, split

KINDS = list(product(GENDERS, AGE_GROUPS))


def photos_of(kinds: list[int]) -> pd.DataFrame:
    """Seven photos a person; every fifth person shares the id, and so the group, of the one before."""
    rows = [
        {
            "photo": f"{person}/{name}.jpg",
            "person": f"p{person}",
            "group": f"g{person - (person % 5 == 4)}",
            "class": encode_class(state, *KINDS[kind]),
        }
        for person, kind in enumerate(kinds)
        for name, state in STATE_OF_FILE.items()
    ]
    return pd.DataFrame(rows)


@given(st.lists(st.integers(0, 5), min_size=20, max_size=40), st.integers(2, 5), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_person_never_sits_in_two_folds(kinds: list[int], count: int, seed: int) -> None:
    photos = photos_of(kinds)
    folds = split(photos, FoldsSettings(count=count, seed=seed))
    assert pd.Series(folds).groupby(photos["person"]).nunique().eq(1).all()
    assert pd.Series(folds).groupby(photos["group"]).nunique().eq(1).all()
    assert set(folds) == set(range(count))


def test_class_shares_are_alike_in_all_folds() -> None:
    photos = photos_of([*range(6)] * 20)
    folds = split(photos, FoldsSettings(count=4))
    counts = pd.crosstab(folds, photos["class"]).to_numpy()
    expected = counts.sum(axis=0) / 4
    assert np.abs(counts / expected - 1).max() <= 0.25


def test_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    photos = photos_of([*range(6)] * 10)
    first, again, other = (split(photos, FoldsSettings(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_split_by_photo_puts_a_person_in_several_folds() -> None:
    photos = photos_of([*range(6)] * 10)
    folds = split(photos, FoldsSettings(by="photo"))
    assert pd.Series(folds).groupby(photos["person"]).nunique().gt(1).any()


def test_fewer_persons_than_folds_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"3 ids of persons are too few to be split into 5 folds.*--set folds\.count=2"):
        split(photos_of([0, 1, 2]), FoldsSettings(count=5))


def test_fewer_photos_of_every_class_than_folds_is_an_error_too() -> None:
    with pytest.raises(DataError, match="84 photos are too few to be split into 20 folds"):
        split(photos_of([*range(6)] * 2), FoldsSettings(count=20, by="photo"))


def test_photo_without_a_class_is_named() -> None:
    photos = photos_of([*range(6)] * 2).astype({"class": "Int8"})
    photos.loc[3, "class"] = pd.NA
    with pytest.raises(DataError, match=r"1 training photos have no id or no class, such as 0/mask4\.jpg"):
        split(photos, FoldsSettings(count=2))


def test_class_that_a_fold_lacks_is_told() -> None:
    photos = photos_of([0, 0, 0, 1])
    folds = np.repeat([0, 1, 0, 1], 7)
    lacking = [encode_class(state, *KINDS[1]) for state in ("mask", "incorrect", "normal")]
    assert missing_classes(photos, folds) == [(0, number) for number in lacking]
