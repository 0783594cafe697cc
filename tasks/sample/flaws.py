"""Planting flaws on purpose, and saying which: what checks are tested with.

flaws.json is a list of ``{"kind", "path", "attribute", "given", "true"}``: `path` is the file or folder that is wrong,
below the data folder; the last three are null where no label is wrong.
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tasks.classes import AGE_BOUNDS, GENDERS
from tasks.sample.layout import Row, path_of, read_rows, write_csv

SHARE = 0.05
"""Share of people that get each kind of flaw; at least one does."""


@dataclass(frozen=True)
class Flaw:
    """Something that is wrong on purpose."""

    kind: str
    path: str
    attribute: str | None = None
    given: str | None = None
    true: str | None = None


def plant_flaws(folder: Path, kinds: Collection[str], seed: int) -> list[Flaw]:
    """Plant flaws of these kinds in the training set of `folder`, and write flaws.json.

    No person gets two flaws, as long as there are people enough.
    """
    random = np.random.default_rng([seed, 4])
    rows = read_rows(folder)
    order = random.permutation(len(rows)).tolist()
    count = max(1, round(SHARE * len(rows)))
    flaws: list[Flaw] = []
    for number, kind in enumerate(kind for kind in PLANTERS if kind in kinds):
        for place in range(count):
            row = rows[order[(number * count + place) % len(rows)]]
            flaws += PLANTERS[kind](folder, row)
    write_csv(folder / "train/train.csv", rows)
    (folder / "flaws.json").write_text(json.dumps([asdict(flaw) for flaw in flaws], indent=2))
    return flaws


def _swap_gender(folder: Path, row: Row) -> Iterator[Flaw]:
    true = row["gender"]
    row["gender"] = GENDERS[1 - GENDERS.index(true)]
    yield _relabel(folder, row, "gender", true)


def _change_age(folder: Path, row: Row) -> Iterator[Flaw]:
    """An age from another age group."""
    true = row["age"]
    row["age"] = str(AGE_BOUNDS[0] - 5 if int(true) >= AGE_BOUNDS[0] else AGE_BOUNDS[1])
    yield _relabel(folder, row, "age", true)


def _relabel(folder: Path, row: Row, attribute: str, true: str) -> Flaw:
    before = folder / "train/images" / row["path"]
    row["path"] = path_of(row["id"], row["gender"], row["age"])
    after = before.rename(before.with_name(row["path"]))
    return Flaw(attribute, after.relative_to(folder).as_posix(), attribute, row[attribute], true)


def _swap_states(folder: Path, row: Row) -> Iterator[Flaw]:
    """The names of the photo without a mask and of the one with a mask worn wrongly."""
    normal, incorrect = _photo(folder, row, "normal"), _photo(folder, row, "incorrect_mask")
    contents = normal.read_bytes(), incorrect.read_bytes()
    normal.unlink()
    incorrect.unlink()
    swapped = normal.with_name(f"incorrect_mask{normal.suffix}"), incorrect.with_name(f"normal{incorrect.suffix}")
    for path, content, given, true in zip(
        swapped, contents, ("incorrect", "normal"), ("normal", "incorrect"), strict=True
    ):
        path.write_bytes(content)
        yield Flaw("state", path.relative_to(folder).as_posix(), "mask", given, true)


def _break_photo(folder: Path, row: Row) -> Iterator[Flaw]:
    """One photo cut off, one empty, one that is no image."""
    cut_off, empty, no_image = (_photo(folder, row, stem) for stem in ("mask1", "mask2", "mask3"))
    cut_off.write_bytes(cut_off.read_bytes()[: cut_off.stat().st_size // 2])
    empty.write_bytes(b"")
    no_image.write_bytes(b"no photo")
    for path in (cut_off, empty, no_image):
        yield Flaw("unreadable", path.relative_to(folder).as_posix())


def _copy_photo(folder: Path, row: Row) -> Iterator[Flaw]:
    """The same photo twice."""
    source, target = _photo(folder, row, "mask4"), _photo(folder, row, "mask5")
    target.unlink()
    copy = Path(shutil.copyfile(source, target.with_suffix(source.suffix)))
    yield Flaw("duplicate", copy.relative_to(folder).as_posix())


def _leave_debris(folder: Path, row: Row) -> Iterator[Flaw]:
    """What an archive made on macOS leaves behind beside every file; harmless, if nobody takes it for a photo."""
    for path in sorted((folder / "train/images" / row["path"]).iterdir()):
        debris = path.with_name(f"._{path.name}")
        debris.write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
        yield Flaw("debris", debris.relative_to(folder).as_posix())


def _photo(folder: Path, row: Row, stem: str) -> Path:
    return next((folder / "train/images" / row["path"]).glob(f"{stem}.*"))


PLANTERS: dict[str, Callable[[Path, Row], Iterator[Flaw]]] = {
    "gender": _swap_gender,
    "age": _change_age,
    "state": _swap_states,
    "unreadable": _break_photo,
    "duplicate": _copy_photo,
    "debris": _leave_debris,
}
"""What plants each kind of flaw in a person's folder and row."""
