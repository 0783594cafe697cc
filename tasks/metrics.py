"""The scores, exactly as the competition computes them."""

import numpy as np
from numpy.typing import NDArray

from tasks.classes import ATTRIBUTES, CLASS_COUNT

Labels = NDArray[np.int64]
"""Classes 0..17, shape (photos,)."""
Probabilities = NDArray[np.float64]
"""Class probabilities, shape (photos, 18); rows add up to 1."""

SHAPE = tuple(len(values) for values in ATTRIBUTES.values())


def confusion_matrix(truth: Labels, predicted: Labels, count: int = CLASS_COUNT) -> NDArray[np.int64]:
    """Counts, shape (count, count): true class by row, predicted class by column."""
    return np.bincount(truth * count + predicted, minlength=count * count).reshape(count, count)


def f1_by_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
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


def attributes_of(classes: Labels) -> dict[str, Labels]:
    """Index of each attribute's value, by attribute, of classes 0..17."""
    return dict(zip(ATTRIBUTES, np.unravel_index(classes, SHAPE), strict=True))


def attribute_scores(truth: Labels, predicted: Labels) -> dict[str, dict[str, float]]:
    """Accuracy and macro F1 (over the attribute's own values) of mask, gender and age."""
    true_values, predicted_values = attributes_of(truth), attributes_of(predicted)
    return {
        name: {
            "accuracy": float((true_values[name] == predicted_values[name]).mean()),
            "macro_f1": float(
                f1_by_class(confusion_matrix(true_values[name], predicted_values[name], len(values))).mean()
            ),
        }
        for name, values in ATTRIBUTES.items()
    }


def marginals(probabilities: Probabilities) -> dict[str, Probabilities]:
    """Probabilities of each attribute's values, shape (photos, values), summed out of the 18 classes."""
    cube = probabilities.reshape(-1, *SHAPE)
    axes = {"mask": (2, 3), "gender": (1, 3), "age": (1, 2)}
    return {name: cube.sum(axis=axes[name]) for name in ATTRIBUTES}
