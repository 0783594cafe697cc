import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import f1_score

from tasks.classes import ATTRIBUTES, CLASS_COUNT, decode_class
from tasks.metrics import (
    attribute_scores,
    attributes_of,
    confusion_matrix,
    f1_by_class,
    macro_f1,
    marginals,
    shifted_macro_f1,
    shifted_weights,
)

classes = st.integers(0, CLASS_COUNT - 1)
pairs = st.lists(st.tuples(classes, classes), min_size=1, max_size=60)


@given(pairs)
def test_macro_f1_is_that_of_scikit_learn_whatever_classes_occur(answers: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(answers).T
    expected = f1_score(truth, predicted, labels=range(CLASS_COUNT), average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


@given(pairs)
def test_score_under_shifted_shares_is_that_of_scikit_learn(answers: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(answers).T
    expected = f1_score(
        truth,
        predicted,
        labels=range(CLASS_COUNT),
        average="macro",
        zero_division=0,
        sample_weight=shifted_weights(truth),
    )
    assert shifted_macro_f1(truth, predicted) == pytest.approx(expected)


def test_shifted_weights_give_genders_and_ages_the_asked_shares() -> None:
    truth = np.random.default_rng(1).choice(CLASS_COUNT, 5000, p=np.arange(1, 19) / 171)
    weights, values = shifted_weights(truth), attributes_of(truth)
    for name, shares in (("gender", (0.6, 0.4)), ("age", (0.4, 0.35, 0.25))):
        assert np.bincount(values[name], weights) / weights.sum() == pytest.approx(shares)
    assert weights.mean() == pytest.approx(1)


def test_shifted_weights_leave_how_masks_are_worn() -> None:
    truth = np.repeat(np.arange(CLASS_COUNT), [5] * 6 + [1] * 12)
    weights, values = shifted_weights(truth), attributes_of(truth)
    assert np.bincount(values["mask"], weights) / weights.sum() == pytest.approx([5 / 7, 1 / 7, 1 / 7])


@given(pairs)
def test_confusion_matrix_has_the_truth_by_row(answers: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(answers).T
    expected = sklearn_confusion(truth, predicted, labels=range(CLASS_COUNT))
    assert np.array_equal(confusion_matrix(truth, predicted), expected)


def test_class_that_never_occurs_scores_zero() -> None:
    scores = f1_by_class(confusion_matrix(np.array([0, 0]), np.array([0, 0])))
    assert scores.tolist() == [1.0] + [0.0] * (CLASS_COUNT - 1)


def test_attributes_of_a_class_are_those_that_it_decodes_to() -> None:
    values = attributes_of(np.arange(CLASS_COUNT))
    assert list(zip(*(values[name].tolist() for name in ATTRIBUTES), strict=True)) == [
        decode_class(number) for number in range(CLASS_COUNT)
    ]


def test_attribute_scores_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    truth, predicted = random.integers(0, CLASS_COUNT, (2, 200))
    scores = attribute_scores(truth, predicted)
    for name, values in attributes_of(truth).items():
        said = attributes_of(predicted)[name]
        assert scores[name]["accuracy"] == (values == said).mean()
        assert scores[name]["macro_f1"] == pytest.approx(f1_score(values, said, average="macro"))


def test_marginals_add_up_the_classes_that_share_a_value() -> None:
    random = np.random.default_rng(2)
    probabilities = random.dirichlet(np.ones(CLASS_COUNT), 5)
    summed = marginals(probabilities)
    for place, name in enumerate(ATTRIBUTES):
        for value in range(len(ATTRIBUTES[name])):
            members = [number for number in range(CLASS_COUNT) if decode_class(number)[place] == value]
            assert summed[name][:, value] == pytest.approx(probabilities[:, members].sum(axis=1))
