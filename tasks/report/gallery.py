"""Photos to look at: predictions at random, the most confident mistakes, and labels in doubt."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.classes import ATTRIBUTES, decode_class
from tasks.report.run import RunTables
from tasks.report.thumbnails import Thumbnails

AT_RANDOM = 24
MISTAKES = 12
SUSPECTS = 20
SEED = 0
"""The same run always shows the same photos."""


@dataclass(frozen=True)
class Word:
    """A value of an attribute, and whether the prediction is right about it (None: not known)."""

    value: str
    right: bool | None


@dataclass(frozen=True)
class Card:
    """A photo and what a model says of it.

    Attributes:
        photo: its path in the data folder.
        image: its thumbnail.
        predicted: the predicted value of every attribute.
        truth: the labelled ones; empty for an evaluation photo.
        right: whether the whole class is right; None for an evaluation photo.
        probability: what the model gives to the predicted class, 0..1.
    """

    photo: str
    image: str
    predicted: list[Word]
    truth: list[Word]
    right: bool | None
    probability: float


@dataclass(frozen=True)
class SuspectCard:
    """A label in doubt: what is given, what is suggested, and the probability of the given value, 0..1."""

    photo: str
    image: str
    attribute: str
    given: str
    suggested: str
    confidence: float


@dataclass(frozen=True)
class Gallery:
    """The photos that a report shows.

    Attributes:
        held_out: training photos at random.
        mistakes: wrong predictions with the highest probability, one a person.
        evaluation: evaluation photos at random.
        suspects: the labels most in doubt.
    """

    held_out: list[Card]
    mistakes: list[Card]
    evaluation: list[Card]
    suspects: list[SuspectCard]


def pick_photos(run: RunTables, thumbnails: Thumbnails) -> Gallery:
    """Choose the photos of a report."""
    return Gallery(
        held_out=_cards(_at_random(run.train), thumbnails),
        mistakes=_cards(_surest_mistakes(run.train), thumbnails),
        evaluation=_cards(_at_random(run.eval), thumbnails),
        suspects=_suspect_cards(run.suspects.head(SUSPECTS), thumbnails),
    )


def _at_random(photos: pd.DataFrame) -> pd.DataFrame:
    chosen = np.random.default_rng(SEED).permutation(len(photos))[:AT_RANDOM]
    return photos.iloc[np.sort(chosen)]


def _surest_mistakes(photos: pd.DataFrame) -> pd.DataFrame:
    """One a person: a wrong label of a person would otherwise fill the gallery with seven photos of the same face."""
    wrong = photos[photos["class"] != photos["predicted"]]
    ordered = wrong.sort_values(["probability", "photo"], ascending=[False, True])
    return ordered.drop_duplicates("person").head(MISTAKES)


def _suspect_cards(suspects: pd.DataFrame, thumbnails: Thumbnails) -> list[SuspectCard]:
    rows = suspects[["photo", "attribute", "given", "suggested", "confidence"]].itertuples(index=False)
    return [SuspectCard(photo, thumbnails.uri(photo), *doubt) for photo, *doubt in rows]


def _cards(photos: pd.DataFrame, thumbnails: Thumbnails) -> list[Card]:
    truths = photos["class"].tolist() if "class" in photos else [None] * len(photos)
    rows = zip(photos["photo"], truths, photos["predicted"].tolist(), photos["probability"].tolist(), strict=True)
    return [_card(photo, thumbnails.uri(photo), truth, predicted, p) for photo, truth, predicted, p in rows]


def _card(photo: str, image: str, truth: int | None, predicted: int, probability: float) -> Card:
    guess = decode_class(predicted)
    fact = guess if truth is None else decode_class(truth)
    right = [None if truth is None else is_it == said for is_it, said in zip(fact, guess, strict=True)]
    return Card(
        photo=photo,
        image=image,
        predicted=_words(guess, right),
        truth=[] if truth is None else _words(fact, right),
        right=None if truth is None else truth == predicted,
        probability=probability,
    )


def _words(indices: tuple[int, ...], right: list[bool | None]) -> list[Word]:
    values = (names[index] for names, index in zip(ATTRIBUTES.values(), indices, strict=True))
    return [Word(value, verdict) for value, verdict in zip(values, right, strict=True)]
