"""Writing the submission, and checking it before anybody sends it."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tasks.classes import CLASS_COUNT
from tasks.errors import Fault, fault, raise_faults

HEADER = ("ImageID", "ans")


def write_submission(path: Path, images: Sequence[str], classes: Sequence[int]) -> None:
    """Write one row an image. Raises ValueError if there are not as many classes as images."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(zip(images, classes, strict=True))


def check_submission(path: Path, images: Sequence[str]) -> None:
    """Check the file as the competition will read it: the rows and order of info.csv, and a class 0..17 in each.

    Raises:
        DataError: it is not as it must be; the message lists everything that is wrong.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    raise_faults(
        (
            *_faults_of_header(header),
            *_faults_of_rows([row[0] if row else "" for row in rows], images),
            *_faults_of_answers(rows),
        ),
        f"{path.name} must not be sent",
    )


def _faults_of_header(header: Sequence[str]) -> tuple[Fault, ...]:
    wrong = [] if tuple(header) == HEADER else [",".join(header)]
    return fault("headers are wrong", wrong, f"It must be {','.join(HEADER)}.")


def _faults_of_rows(given: Sequence[str], images: Sequence[str]) -> tuple[Fault, ...]:
    faults = (
        *fault("images have no answer", sorted(set(images) - set(given)), "Every row of info.csv needs one."),
        *fault("rows are for no image of info.csv", sorted(set(given) - set(images)), "Delete them."),
        *fault("images are answered twice", [name for name, n in Counter(given).items() if n > 1], "Keep one row."),
    )
    if faults or list(given) == list(images):
        return faults
    moved = [name for name, expected in zip(given, images, strict=True) if name != expected]
    return fault("rows are not where info.csv has them", moved, "Keep the order of info.csv.")


def _faults_of_answers(rows: Sequence[Sequence[str]]) -> tuple[Fault, ...]:
    allowed = {str(number) for number in range(CLASS_COUNT)}
    wrong = [",".join(row) for row in rows if len(row) != len(HEADER) or row[1] not in allowed]
    return fault("answers are no class", wrong, f"A class is a whole number from 0 to {CLASS_COUNT - 1}.")
