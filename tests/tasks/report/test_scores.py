import numpy as np
import pandas as pd
import pytest

from tasks.classes import class_name
from tasks.metrics import attribute_scores, confusion_matrix, macro_f1
from tasks.report.run import RunTables
from tasks.report.scores import Confusion, ScoreView, score_run


@pytest.fixture(scope="module")
def scores(run: RunTables) -> ScoreView:
    return score_run(run)


@pytest.fixture(scope="module")
def truth(catalog: pd.DataFrame) -> np.ndarray:
    return catalog["class"].dropna().to_numpy(dtype=np.int64)


def test_overall_scores_are_those_of_the_metrics(scores: ScoreView, truth: np.ndarray, predicted: np.ndarray) -> None:
    assert scores.overall.macro_f1 == macro_f1(truth, predicted)
    assert scores.overall.attributes == attribute_scores(truth, predicted)


def test_fold_is_scored_on_the_photos_it_holds_out(scores: ScoreView, truth: np.ndarray, predicted: np.ndarray) -> None:
    first, second = scores.folds
    assert (first.photos, first.persons, second.photos) == (42, 6, 42)
    assert first.macro_f1 == macro_f1(truth[:42], predicted[:42])
    assert second.macro_f1 == macro_f1(truth[42:], predicted[42:])


def test_epoch_is_the_one_that_training_kept(scores: ScoreView) -> None:
    assert [(fold.epoch, fold.valid_loss) for fold in scores.folds] == [("2", 0.4), ("2", 0.4)]


def test_confusion_counts_photos_by_label_and_prediction(
    scores: ScoreView, truth: np.ndarray, predicted: np.ndarray
) -> None:
    assert np.array_equal(scores.confusion, confusion_matrix(truth, predicted))


def test_commonest_confusion_comes_first_and_right_photos_are_none(scores: ScoreView) -> None:
    assert scores.largest == [
        Confusion(class_name(0), class_name(6), 2),
        Confusion(class_name(0), class_name(3), 1),
        Confusion(class_name(13), class_name(14), 1),
    ]


def test_class_score_tells_precision_from_recall(scores: ScoreView) -> None:
    # Ten photos, of which two are taken for class 6, which has two photos of its own, and one for class 3.
    worn, wrongly = scores.classes[0], scores.classes[6]
    assert (worn.photos, worn.predicted, worn.precision, worn.recall) == (10, 7, 1.0, 0.7)
    assert (wrongly.photos, wrongly.predicted, wrongly.precision, wrongly.recall) == (2, 4, 0.5, 1.0)
