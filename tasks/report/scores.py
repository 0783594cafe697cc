"""How good the models are: by fold, by attribute and by class, on photos that they have not seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.classes import class_name
from tasks.metrics import Labels, attribute_scores, confusion_matrix, f1_by_class, macro_f1, shifted_macro_f1
from tasks.report.run import RunTables

LARGEST = 5
"""Number of confusions that are named in words."""


@dataclass(frozen=True)
class Scores:
    """Scores of some held-out photos.

    Attributes:
        name: which photos.
        photos: number of them.
        persons: number of persons on them.
        macro_f1: the official score.
        shifted_macro_f1: the same under shifted class shares.
        attributes: accuracy and macro F1 by attribute.
        epoch: the epochs whose weights were kept, in words, if one model scored them.
        valid_loss: the mean of their losses.
    """

    name: str
    photos: int
    persons: int
    macro_f1: float
    shifted_macro_f1: float
    attributes: dict[str, dict[str, float]]
    epoch: str = ""
    valid_loss: float | None = None


@dataclass(frozen=True)
class ClassScore:
    """How a class fares: numbers of photos, and scores 0..1."""

    name: str
    photos: int
    predicted: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Photos of a class that were taken for another."""

    truth: str
    predicted: str
    photos: int


@dataclass(frozen=True)
class ScoreView:
    """All scores of a run.

    Attributes:
        overall: of all photos that were held out.
        folds: of the photos that each fold held out.
        classes: by class.
        confusion: counts, shape (18, 18): true class by row, predicted class by column.
        largest: the commonest confusions, the commonest first.
    """

    overall: Scores
    folds: list[Scores]
    classes: list[ClassScore]
    confusion: list[list[int]]
    largest: list[Confusion]


def score_run(run: RunTables) -> ScoreView:
    """All scores of a run."""
    confusion = confusion_matrix(_labels(run.train["class"]), _labels(run.train["predicted"]))
    return ScoreView(
        overall=_score("all folds", run.train),
        folds=[_score_fold(run, number) for number in run.histories],
        classes=_class_scores(confusion),
        confusion=confusion.tolist(),
        largest=_largest(confusion),
    )


def score_rows(scores: ScoreView) -> list[dict[str, str | int | float]]:
    """Scores as rows of a small table: by fold, then of all folds together."""
    return [
        {
            "held out": row.name,
            "photos": row.photos,
            "macro F1": round(row.macro_f1, 4),
            "macro F1, shifted shares": round(row.shifted_macro_f1, 4),
            **{f"{name} accuracy": round(attribute["accuracy"], 4) for name, attribute in row.attributes.items()},
        }
        for row in (*scores.folds, scores.overall)
    ]


def kept_epochs(history: pd.DataFrame) -> tuple[list[int], float]:
    """The epochs of whose weights training kept the mean, and the mean of their losses on the held-out photos."""
    kept = history[history["kept"]]
    return kept["epoch"].astype(int).tolist(), float(kept["valid_loss"].mean())


def _score_fold(run: RunTables, number: int) -> Scores:
    epochs, loss = kept_epochs(run.histories[number])
    return _score(f"fold {number}", run.train[run.train["fold"] == number], ", ".join(map(str, epochs)), loss)


def _score(name: str, photos: pd.DataFrame, epoch: str = "", loss: float | None = None) -> Scores:
    truth, predicted = _labels(photos["class"]), _labels(photos["predicted"])
    return Scores(
        name=name,
        photos=len(photos),
        persons=photos["person"].nunique(),
        macro_f1=macro_f1(truth, predicted),
        shifted_macro_f1=shifted_macro_f1(truth, predicted),
        attributes=attribute_scores(truth, predicted),
        epoch=epoch,
        valid_loss=loss,
    )


def _class_scores(confusion: NDArray[np.int64]) -> list[ClassScore]:
    hits = np.diagonal(confusion)
    photos, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    rows = zip(
        photos.tolist(),
        predicted.tolist(),
        _share(hits, predicted).tolist(),
        _share(hits, photos).tolist(),
        f1_by_class(confusion).tolist(),
        strict=True,
    )
    return [ClassScore(class_name(number), *row) for number, row in enumerate(rows)]


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(part / np.maximum(whole, 1), np.float64)


def _largest(confusion: NDArray[np.int64]) -> list[Confusion]:
    mistakes = confusion - np.diag(np.diagonal(confusion))
    # Stable, so that equal counts always come in the order of the classes.
    order = np.argsort(-mistakes, axis=None, kind="stable")[:LARGEST]
    pairs = [(int(number) // len(mistakes), int(number) % len(mistakes)) for number in order]
    return [
        Confusion(class_name(truth), class_name(predicted), int(mistakes[truth, predicted]))
        for truth, predicted in pairs
        if mistakes[truth, predicted]
    ]


def _labels(column: "pd.Series[int]") -> Labels:
    return np.asarray(column, np.int64)
