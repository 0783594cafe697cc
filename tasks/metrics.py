"""The scores, exactly as the competition computes them."""

import numpy as np
from numpy.typing import NDArray

from tasks.classes import ATTRIBUTES, CLASS_COUNT

Labels = NDArray[np.int64]
"""Classes 0..17, shape (photos,)."""
Probabilities = NDArray[np.float64]
"""Class probabilities, shape (photos, 18); rows add up to 1."""

Weights = NDArray[np.float64]
"""What each photo counts, shape (photos,)."""

SHAPE = tuple(len(values) for values in ATTRIBUTES.values())
SHIFTED = {"gender": (0.6, 0.4), "age": (0.4, 0.35, 0.25)}
"""Shares of male and female, and of the three age groups, that a hidden set may have: the best submissions to the
competition predict some 60 % male and 23-29 % aged 60 or older, where its training set has 39 % and 7 %."""


def confusion_matrix(truth: Labels, predicted: Labels, count: int = CLASS_COUNT) -> NDArray[np.int64]:
    """Counts, shape (count, count): true class by row, predicted class by column."""
    return np.bincount(truth * count + predicted, minlength=count * count).reshape(count, count)


def weighted_confusion(
    truth: Labels, predicted: Labels, weights: Weights, count: int = CLASS_COUNT
) -> NDArray[np.float64]:
    """As `confusion_matrix`, with photos that count by their weights."""
    # Weights make counts floats, which the annotations of NumPy do not know.
    counts = np.bincount(truth * count + predicted, weights, count * count)
    return np.asarray(counts, np.float64).reshape(count, count)


def f1_by_class(confusion: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 of every class, shape (classes,); 0 for a class that is never true and never predicted."""
    hits = np.diagonal(confusion)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    scores: NDArray[np.float64] = np.divide(2 * hits, total, out=np.zeros(len(confusion)), where=total > 0)
    return scores


def macro_f1(truth: Labels, predicted: Labels) -> float:
    """The official score: the mean F1 over all 18 classes, a class that never occurs counting 0.

    The same as ``sklearn.metrics.f1_score(labels=range(18), average="macro", zero_division=0)``.
    """
    return float(f1_by_class(confusion_matrix(truth, predicted)).mean())


def shifted_weights(truth: Labels) -> Weights:
    """What photos must count so that genders and age groups have the shares of SHIFTED; how masks are worn stays.

    Gender and age are taken as independent. A gender and age group without a photo can get no share.
    """
    groups = truth % (SHAPE[1] * SHAPE[2])
    wanted = np.outer(SHIFTED["gender"], SHIFTED["age"]).ravel()
    counts = np.bincount(groups, minlength=len(wanted))
    weights: Weights = (wanted * len(truth) / np.maximum(counts, 1))[groups]
    return weights


def shifted_macro_f1(truth: Labels, predicted: Labels) -> float:
    """The official score as it would be if classes had the shares of SHIFTED.

    The same as scikit-learn's ``f1_score`` with `shifted_weights` as ``sample_weight``.
    """
    return float(f1_by_class(weighted_confusion(truth, predicted, shifted_weights(truth))).mean())


def attributes_of(classes: Labels) -> dict[str, Labels]:
    """Index of each attribute's value, by attribute, of classes 0..17."""
    return dict(zip(ATTRIBUTES, np.unravel_index(classes, SHAPE), strict=True))


def attribute_scores(truth: Labels, predicted: Labels, weights: Weights | None = None) -> dict[str, dict[str, float]]:
    """Accuracy and macro F1 (over the attribute's own values) of mask, gender and age; photos count by `weights`."""
    weights = np.ones(len(truth)) if weights is None else weights
    true_values, predicted_values = attributes_of(truth), attributes_of(predicted)
    matrices = {
        name: weighted_confusion(true_values[name], predicted_values[name], weights, len(values))
        for name, values in ATTRIBUTES.items()
    }
    return {
        name: {
            "accuracy": float(np.trace(confusion) / confusion.sum()),
            "macro_f1": float(f1_by_class(confusion).mean()),
        }
        for name, confusion in matrices.items()
    }


def marginals(probabilities: Probabilities) -> dict[str, Probabilities]:
    """Probabilities of each attribute's values, shape (photos, values), summed out of the 18 classes."""
    cube = probabilities.reshape(-1, *SHAPE)
    axes = {"mask": (2, 3), "gender": (1, 3), "age": (1, 2)}
    return {name: cube.sum(axis=axes[name]) for name in ATTRIBUTES}
