import shutil
from pathlib import Path

import pytest

from flows.data_change import DataChange, data_change, photos_of_catalog, photos_of_folder
from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.store import Ledger

TABLE, EVAL = "train/train.csv", "eval/info.csv"


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sample_data, tmp_path / "data")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def photos_of_person(data: Path, number: int) -> list[Path]:
    folder = sorted((data / "train/images").iterdir())[number]
    return sorted(folder.iterdir())


def names(data: Path, *paths: Path) -> tuple[str, ...]:
    return tuple(path.relative_to(data).as_posix() for path in paths)


def test_catalog_and_folder_say_the_same_of_unchanged_data(data: Path, ledger: Ledger) -> None:
    assert photos_of_catalog(make_catalog(ledger, LocalFolder(data))) == photos_of_folder(LocalFolder(data))


def test_every_photo_that_changed_is_told_with_how(data: Path, ledger: Ledger) -> None:
    before = photos_of_catalog(make_catalog(ledger, LocalFolder(data)))
    first, second = photos_of_person(data, 0), photos_of_person(data, 1)
    first[0].unlink()
    first[1].write_bytes(second[1].read_bytes())
    moved = first[2].rename(first[0])
    person = second[0].parent.name
    edit(data / TABLE, f"{person.rsplit('_', 1)[1]},{person}", f"61,{person}")
    change = data_change(before, photos_of_folder(LocalFolder(data)))
    assert change == DataChange(
        new=(),
        gone=names(data, first[2]),
        other_bytes=names(data, moved, first[1]),
        other_labels=names(data, *second),
    )


def test_order_alone_changes_no_photo(data: Path, ledger: Ledger) -> None:
    before = photos_of_catalog(make_catalog(ledger, LocalFolder(data)))
    header, *rows = (data / EVAL).read_text().splitlines()
    (data / EVAL).write_text("\n".join([header, *reversed(rows)]))
    assert data_change(before, photos_of_folder(LocalFolder(data))) == DataChange((), (), (), ())
