"""Who is drawn: shares of gender and age as in the competition's training set, and looks that show them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.classes import AGE_GROUPS, GENDERS, age_group

PERSONS_BY_GENDER_AND_GROUP = {
    ("male", "<30"): 549,
    ("male", "30-59"): 410,
    ("male", ">=60"): 83,
    ("female", "<30"): 732,
    ("female", "30-59"): 817,
    ("female", ">=60"): 109,
}
"""Persons of the competition's training set."""
YOUNGEST = 18
PERSONS_BY_AGE = (
    192, 407, 267, 41, 58, 72, 62, 82, 44, 15, 25, 16, 17, 3, 7, 5, 13, 19, 8, 3, 14, 6, 20, 7, 13, 18, 13, 27, 14, 10,
    39, 31, 80, 63, 78, 64, 82, 100, 123, 106, 159, 85, 192,
)  # fmt: skip
"""Persons of the competition's training set by age, from YOUNGEST."""

Colour = tuple[float, float, float]
"""Red, green and blue, 0..255."""


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    gender: str
    age: int

    @property
    def group(self) -> str:
        """Age group."""
        return age_group(self.age)


@dataclass(frozen=True)
class Looks:
    """What stays the same on all photos of a person. Lengths are in pixels, shares from 0 to 1.

    Attributes:
        skin: colour of lit skin.
        hair: colour of hair and brows, age included.
        lips: colour of the lips.
        clothes: colour of what they wear.
        background: colours at the top and at the bottom.
        face_width: half the width of the head.
        face_height: half the height of the head.
        jaw: how square the lower face is.
        eye: half the width of an eye.
        brow: thickness of the brows.
        long_hair: whether hair falls beside the face.
        hairline: how far the hairline has gone back, as a share of the forehead.
        fringe: side to which the fringe falls, -1..1.
        stubble: how dark the shadow of a beard is.
        wrinkles: how deep the wrinkles are.
        glasses: whether they wear any.
    """

    skin: Colour
    hair: Colour
    lips: Colour
    clothes: Colour
    background: tuple[Colour, Colour]
    face_width: float
    face_height: float
    jaw: float
    eye: float
    brow: float
    long_hair: bool
    hairline: float
    fringe: float
    stubble: float
    wrinkles: float
    glasses: bool


def choose_people(count: int, random: np.random.Generator, of_each_kind: int = 2) -> list[Person]:
    """`count` people in random order, with the competition's shares of gender and age group.

    There are at least `of_each_kind` of every gender and age group, if people are enough: from 12 people on two, so
    that two folds can hold each.
    """
    at_least = min(of_each_kind, count // len(PERSONS_BY_GENDER_AND_GROUP))
    quotas = _quotas(count, list(PERSONS_BY_GENDER_AND_GROUP.values()), at_least)
    people = [
        Person(gender, age)
        for (gender, group), quota in zip(PERSONS_BY_GENDER_AND_GROUP, quotas, strict=True)
        for age in _ages(group, quota, random)
    ]
    return [people[index] for index in random.permutation(count)]


def choose_looks(person: Person, random: np.random.Generator) -> Looks:
    """Looks that show gender and age, and otherwise vary."""
    male = person.gender == GENDERS[0]
    years = (person.age - YOUNGEST) / (60 - YOUNGEST)
    old = person.group == AGE_GROUPS[2]
    grey = float(np.clip(random.normal(0.8 if old else 0.5 * years**3, 0.1), 0, 1))
    tone = random.uniform(0, 1)
    skin = _mix((236, 200, 172), (188, 140, 106), tone)
    return Looks(
        skin=skin,
        hair=_mix(_mix((28, 22, 20), (86, 54, 34), random.uniform(0, 1) ** 2), (205, 203, 200), grey),
        lips=_mix(skin, (176, 96, 88) if male else (196, 52, 66), random.uniform(0.5, 0.7) if male else 0.85),
        clothes=_colour(random, 130, 100),
        background=(_colour(random, 165, 45), _colour(random, 130, 45)),
        face_width=random.normal(75 if male else 70, 2.5),
        face_height=random.normal(101 if male else 97, 3),
        jaw=float(np.clip(random.normal(0.75 if male else 0.15, 0.12), 0, 1)),
        eye=random.normal(14.5 if male else 16.5, 0.8),
        brow=random.normal(6.5 if male else 3.5, 0.6),
        long_hair=bool(random.random() < (0.03 if male else 0.85)),
        hairline=float(np.clip(random.normal(0.2 + 0.5 * years if male else 0.2, 0.1), 0, 0.9)),
        fringe=random.uniform(-1, 1),
        stubble=float(np.clip(random.normal(0.35, 0.12), 0.1, 0.7)) if male else 0.0,
        wrinkles=float(np.clip(random.normal(1.0 if old else 0.55 * years, 0.06), 0, 1)),
        glasses=bool(random.random() < 0.15 + 0.15 * years),
    )


def _quotas(count: int, weights: Sequence[int], at_least: int) -> list[int]:
    """Whole shares of `count` by weight (largest remainders), none below `at_least`."""
    exact = np.array(weights) / sum(weights) * (count - at_least * len(weights))
    quotas = np.floor(exact).astype(int)
    left = count - at_least * len(weights) - quotas.sum()
    quotas[np.argsort(quotas - exact, kind="stable")[:left]] += 1
    return [int(quota) + at_least for quota in quotas]


def _ages(group: str, count: int, random: np.random.Generator) -> list[int]:
    ages = np.arange(YOUNGEST, YOUNGEST + len(PERSONS_BY_AGE))
    weights = np.array([n if age_group(int(age)) == group else 0 for age, n in zip(ages, PERSONS_BY_AGE, strict=True)])
    return [int(age) for age in random.choice(ages, count, p=weights / weights.sum())]


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _colour(random: np.random.Generator, middle: float, spread: float) -> Colour:
    """A random colour, paler the smaller the spread of its channels is."""
    brightness = random.uniform(-70, 70)
    red, green, blue = np.clip(middle + brightness + random.uniform(-spread, spread, 3), 10, 245).tolist()
    return red, green, blue
