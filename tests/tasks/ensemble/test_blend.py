import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from tasks.ensemble.blend import join_oof, soft_vote
from tasks.ensemble.step import score_oof
from tasks.errors import DataError
from tasks.metrics import Probabilities
from tasks.tables import CLASS_COLUMNS

RANDOM = np.random.default_rng(1)


def said(photos: str, values: Probabilities | None = None) -> pd.DataFrame:
    """Probabilities of photos with names of one letter."""
    values = RANDOM.dirichlet(np.ones(18), len(photos)) if values is None else values
    return pd.DataFrame(values, columns=CLASS_COLUMNS).assign(photo=list(photos))


def test_out_of_fold_probabilities_come_in_the_order_of_the_catalog() -> None:
    first, second = said("cb"), said("da")
    joined = join_oof([first, second], pd.Series(list("abcd")))
    assert joined["photo"].tolist() == list("abcd")
    assert joined.loc[2, CLASS_COLUMNS].tolist() == first.loc[0, CLASS_COLUMNS].tolist()
    assert joined.loc[0, CLASS_COLUMNS].tolist() == second.loc[1, CLASS_COLUMNS].tolist()


def test_folds_that_do_not_fit_together_are_told_in_one_pass() -> None:
    with pytest.raises(DataError) as raised:
        join_oof([said("ab"), said("bz")], pd.Series(list("abcd")))
    message = str(raised.value)
    assert "1 photos were held out more than once, such as b." in message
    assert "2 photos were never held out, such as c." in message
    assert "1 scored photos are no training photos, such as z." in message


def test_soft_vote_is_the_mean() -> None:
    first, second = said("ab"), said("ab")
    blended = soft_vote([first, second])
    assert blended["photo"].tolist() == ["a", "b"]
    assert blended[CLASS_COLUMNS].to_numpy() == pytest.approx(
        (first[CLASS_COLUMNS].to_numpy() + second[CLASS_COLUMNS].to_numpy()) / 2
    )


@pytest.mark.parametrize("other", ["ba", "ac", "abc"])
def test_models_that_looked_at_other_photos_cannot_vote_together(other: str) -> None:
    with pytest.raises(DataError, match="not looked at the same photos in the same order"):
        soft_vote([said("ab"), said(other)])


def test_scores_are_those_of_scikit_learn() -> None:
    photos, classes = said("abcdefghij" * 20), RANDOM.integers(0, 18, 200)
    predicted = photos[CLASS_COLUMNS].to_numpy().argmax(axis=1)
    scores = score_oof(photos, pd.Series(classes))
    by_class = f1_score(classes, predicted, labels=range(18), average=None, zero_division=0)
    assert scores["f1_by_class"] == pytest.approx(by_class)
    assert scores["macro_f1"] == pytest.approx(by_class.mean())
