"""Tables as if a data set had been drawn, without a pixel: a million rows in seconds.

Checks of tables are tested with them and measured on them: nothing is wrong with a table as it is drawn.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.classes import STATE_OF_FILE, encode_class
from tasks.sample.canvas import HEIGHT, WIDTH
from tasks.sample.layout import RACE
from tasks.sample.people import PERSONS_BY_GENDER_AND_GROUP, Person, choose_people
from tasks.tables import BOX_SIDES, BOXES, CATALOG, FACE_SIDES

OF_EACH_KIND = 5
"""Persons of every gender and age group that there are at least, if there are people enough."""
DIGITS = 64
"""Hexadecimal digits of a digest, and of a perceptual hash."""
BY_MTCNN = 0.05
"""Share of faces that the first detector does not find."""
LANDMARKS_IN_BOX = {
    "left_eye": (0.3, 0.4),
    "right_eye": (0.7, 0.4),
    "nose": (0.5, 0.6),
    "mouth_left": (0.35, 0.8),
    "mouth_right": (0.65, 0.8),
}
"""Where in a box they lie, as shares of its width and height."""


def draw_catalog(people: int, evaluation: int, seed: int) -> pd.DataFrame:
    """Rows of the table CATALOG: seven training photos a person, and photos to predict; the same seed, the same rows.

    Genders and ages have the shares of `choose_people`; ids do not repeat, and no two photos are like each other.
    """
    random = np.random.default_rng([seed, 5])
    train, evaluated = _train(choose_people(people, random, OF_EACH_KIND)), _eval(evaluation, random)
    photos = pd.concat([train, evaluated], ignore_index=True)
    return CATALOG.conform(photos.join(_facts(len(photos), random)))


def draw_boxes(catalog: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows of the table BOXES for the photos of a catalog: one face in each, found, and nowhere near the edge."""
    random = np.random.default_rng([seed, 6])
    count = len(catalog)
    first = random.integers((WIDTH // 4, HEIGHT // 4), (WIDTH // 3, HEIGHT // 3), (count, 2))
    sides = random.integers((WIDTH // 3, HEIGHT // 3), (WIDTH // 2, HEIGHT // 2), (count, 2))
    box = dict(zip(BOX_SIDES, np.hstack([first, first + sides]).T, strict=True))
    face = dict(zip(FACE_SIDES, np.hstack([first + sides // 10, first + sides - sides // 10]).T, strict=True))
    landmarks = {
        f"{mark}_{axis}": corner + share * side
        for mark, place in LANDMARKS_IN_BOX.items()
        for axis, corner, side, share in zip("xy", first.T, sides.T, place, strict=True)
    }
    boxes = pd.DataFrame({"photo": catalog["photo"].to_numpy(), **box, **face, **landmarks})
    source = np.where(random.random(count) < BY_MTCNN, "mtcnn", "retinaface")
    return BOXES.conform(boxes.assign(source=source, undersized=False, score=random.uniform(0.95, 1, count), faces=1))


def _train(people: list[Person]) -> pd.DataFrame:
    """Training photos with their labels, by person."""
    ages = [person.age for person in people]
    persons = pd.DataFrame(
        {
            "group": [f"{number:06}" for number in range(1, len(people) + 1)],
            "gender": [person.gender for person in people],
            "age": ages,
            "age_group": [person.group for person in people],
        }
    )
    persons["person"] = persons["group"] + "_" + persons["gender"] + f"_{RACE}_" + persons["age"].astype("str")
    rows = persons.merge(_kinds(), "left", ["gender", "age_group"])
    return rows.assign(
        photo="train/images/" + rows["person"] + "/" + rows["file"],
        split="train",
        race=RACE,
        given_state=rows["state"],
        given_gender=rows["gender"],
        given_age=rows["age"],
    )


def _kinds() -> pd.DataFrame:
    """The photos of a person of every gender and age group."""
    return pd.DataFrame(
        [
            (gender, group, f"{stem}.jpg", state, encode_class(state, gender, group))
            for gender, group in PERSONS_BY_GENDER_AND_GROUP
            for stem, state in STATE_OF_FILE.items()
        ],
        columns=["gender", "age_group", "file", "state", "class"],
    )


def _eval(count: int, random: np.random.Generator) -> pd.DataFrame:
    """Photos to predict."""
    names = pd.Series(_digests(count, random), dtype="str").str[:40]
    return pd.DataFrame({"photo": "eval/images/" + names + ".jpg", "split": "eval"})


def _facts(count: int, random: np.random.Generator) -> pd.DataFrame:
    """What photos are, in numbers like those of drawn ones."""
    light, tint = random.normal(0.5, 0.06, count).clip(0.3, 0.7), random.normal(0, 0.02, count).clip(-0.1, 0.1)
    means = {"r": light + tint, "g": light, "b": light - tint}
    variance = random.uniform(0.15, 0.25, count) ** 2
    facts = {
        "sha256": _digests(count, random),
        "bytes": random.integers(30_000, 60_000, count),
        **{f"mean_{channel}": mean for channel, mean in means.items()},
        **{f"square_{channel}": mean**2 + variance for channel, mean in means.items()},
        "sharpness": random.lognormal(5, 0.5, count).clip(min=20),
        "phash": _hex(_hashes(count, random)),
    }
    return pd.DataFrame(facts).assign(problem=None, width=WIDTH, height=HEIGHT)


def _digests(count: int, random: np.random.Generator) -> list[str]:
    """Digests of bytes that there are not."""
    return _hex(random.bytes(count * DIGITS // 2))


def _hashes(count: int, random: np.random.Generator) -> bytes:
    """Perceptual hashes: parts of them are as often the same as in drawn photos, where most bits are no fair coins."""
    first, second = (np.frombuffer(random.bytes(count * DIGITS // 2), np.uint64).reshape(count, -1) for _ in range(2))
    fair = random.integers(0, 2**63, (2, first.shape[1]), np.uint64)
    hashes: NDArray[np.uint64] = first & (second | fair[0] & fair[1])
    return hashes.tobytes()


def _hex(numbers: bytes) -> list[str]:
    digits = numbers.hex()
    return [digits[start : start + DIGITS] for start in range(0, len(digits), DIGITS)]
