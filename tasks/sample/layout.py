"""Writing people into the competition's layout."""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tasks.classes import STATE_OF_FILE, encode_class
from tasks.progress import track
from tasks.sample.people import Person, choose_people
from tasks.sample.photo import draw_person

RACE = "Asian"
"""What the competition's file says of everybody."""
SUFFIXED = 41 / 2700
"""Share of ids that end in -1: they repeat the id before them."""
PHOTOS_OF_PERSON = len(STATE_OF_FILE)

Row = dict[str, str]
"""A row of train.csv: id, gender, race, age and path."""


def write_training(folder: Path, people: int, seed: int) -> None:
    """Draw the training set into `folder`/train."""
    random = np.random.default_rng([seed, 0])
    chosen = choose_people(people, random)
    rows = [_row(person, id_) for person, id_ in zip(chosen, _ids(people, random), strict=True)]
    (folder / "train/images").mkdir(parents=True)
    for row, photos in zip(rows, draw_all(chosen, [seed, 1], "Drawing people to train on"), strict=True):
        directory = folder / "train/images" / row["path"]
        directory.mkdir()
        for name, content in photos.items():
            (directory / name).write_bytes(content)
    write_csv(folder / "train/train.csv", rows)


def write_evaluation(folder: Path, photos: int, seed: int) -> None:
    """Draw the photos to predict into `folder`/eval, and their answers into `folder`/answers.csv."""
    random = np.random.default_rng([seed, 2])
    people = choose_people(-(-photos // PHOTOS_OF_PERSON), random)
    # Photos are shuffled, so that neighbours tell nothing.
    place = np.argsort(random.permutation(len(people) * PHOTOS_OF_PERSON))
    (folder / "eval/images").mkdir(parents=True)
    answers: dict[int, Row] = {}
    for number, (image, content, answer) in enumerate(_named(people, seed)):
        if place[number] < photos:
            (folder / "eval/images" / image).write_bytes(content)
            answers[int(place[number])] = {"ImageID": image, "ans": str(answer)}
    ordered = [answers[index] for index in sorted(answers)]
    write_csv(folder / "eval/info.csv", [{**row, "ans": "0"} for row in ordered])
    write_csv(folder / "answers.csv", ordered)


def draw_all(people: Sequence[Person], seed: Sequence[int], description: str) -> Iterator[dict[str, bytes]]:
    """The photos of everybody, in order. Each person has random numbers of their own, whoever draws them, and when."""

    def draw(index: int) -> dict[str, bytes]:
        return draw_person(people[index], np.random.default_rng([*seed, index]))

    # OpenCV and NumPy release the interpreter's lock while they work, so threads are enough.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from track(pool.map(draw, range(len(people))), description, len(people))


def _named(people: Sequence[Person], seed: int) -> Iterator[tuple[str, bytes, int]]:
    """Every photo to predict: its name of 40 hex digits, its bytes, its class."""
    for index, photos in enumerate(draw_all(people, [seed, 3], "Drawing people to predict")):
        person = people[index]
        for name, content in photos.items():
            state = STATE_OF_FILE[Path(name).stem]
            image = (
                hashlib.sha1(f"{seed}/{index}/{name}".encode(), usedforsecurity=False).hexdigest() + Path(name).suffix
            )
            yield image, content, encode_class(state, person.gender, person.group)


def _ids(count: int, random: np.random.Generator) -> Iterator[str]:
    """Six digits; now and then the id before once more, with the suffix -1."""
    number, suffixed = 0, True
    for repeats in random.random(count) < SUFFIXED:
        suffixed = bool(repeats) and not suffixed
        number += not suffixed
        yield f"{number:06}-1" if suffixed else f"{number:06}"


def _row(person: Person, id_: str) -> Row:
    age = str(person.age)
    path = path_of(id_, person.gender, age)
    return {"id": id_, "gender": person.gender, "race": RACE, "age": age, "path": path}


def path_of(id_: str, gender: str, age: str) -> str:
    """Name of a person's folder."""
    return f"{id_}_{gender}_{RACE}_{age}"


def read_rows(folder: Path) -> list[Row]:
    """Rows of the train.csv below `folder`."""
    with (folder / "train/train.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows, of which there must be one, with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
