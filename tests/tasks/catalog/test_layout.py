import csv
import shutil
from pathlib import Path

import pytest

from tasks.catalog.layout import read_layout
from tasks.classes import STATE_OF_FILE
from tasks.data_folder.local import LocalFolder

Rows = list[dict[str, str]]


def faults_of(data: Path) -> list[str]:
    return [str(fault) for fault in read_layout(LocalFolder(data)).faults]


def write_rows(data: Path, rows: Rows) -> None:
    with (data / "train/train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def photo_of(person: Path, stem: str) -> Path:
    return next(person.glob(f"{stem}.*"))


def test_drawn_data_set_has_no_fault(data: Path) -> None:
    layout = read_layout(LocalFolder(data))
    assert layout.faults == ()
    assert len(layout.photos) == 12 * 7 + 14


def test_training_photos_come_by_person_and_evaluation_photos_as_in_info_csv(data: Path, rows: Rows) -> None:
    photos = read_layout(LocalFolder(data)).photos
    persons = [photo.person.person for photo in photos if photo.person]
    assert list(dict.fromkeys(persons)) == [row["path"] for row in rows]
    with (data / "eval/info.csv").open(encoding="utf-8", newline="") as file:
        names = [row["ImageID"] for row in csv.DictReader(file)]
    assert [photo.photo for photo in photos if not photo.person] == [f"eval/images/{name}" for name in names]


def test_state_of_a_photo_is_in_its_name_whatever_its_ending(data: Path, person: Path) -> None:
    endings = {"mask1": ".JPG", "incorrect_mask": ".png", "normal": ".jpeg"}
    for stem, ending in endings.items():
        photo = photo_of(person, stem)
        photo.rename(photo.with_name(stem + ending))
    found = {
        Path(photo.photo).name: photo.state
        for photo in read_layout(LocalFolder(data)).photos
        if photo.person and photo.person.person == person.name
    }
    assert found.items() >= {"mask1.JPG": "mask", "incorrect_mask.png": "incorrect", "normal.jpeg": "normal"}.items()
    assert len(found) == len(STATE_OF_FILE)


def test_ids_are_text_and_need_not_be_unique(data: Path, rows: Rows) -> None:
    for row, id_ in zip(rows, ("000010", "000010-1", "000010", "site-1", "7-012"), strict=False):
        row["id"] = id_
    write_rows(data, rows)
    layout = read_layout(LocalFolder(data))
    groups = {photo.person.person: photo.person.group for photo in layout.photos if photo.person}
    assert layout.faults == ()
    assert [groups[row["path"]] for row in rows[:5]] == [*["000010"] * 3, "site-1", "7-012"]


def test_archive_debris_is_not_looked_at(data: Path, person: Path) -> None:
    for folder in (person, data / "train/images", data / "eval/images"):
        (folder / "._mask1.jpg").write_bytes(b"\0")
        (folder / ".DS_Store").write_bytes(b"\0")
    assert len(read_layout(LocalFolder(data)).photos) == 12 * 7 + 14
    assert faults_of(data) == []


def test_csv_may_have_a_byte_order_mark_and_spaces(data: Path) -> None:
    path = data / "train/train.csv"
    path.write_text("\ufeff" + path.read_text(encoding="utf-8").replace(",", ", "), encoding="utf-8")
    header = path.read_text(encoding="utf-8").splitlines()[0].replace(", ", ",")
    path.write_text("\n".join([header, *path.read_text(encoding="utf-8").splitlines()[1:]]), encoding="utf-8")
    assert faults_of(data) == []


@pytest.mark.parametrize("name", ["train/train.csv", "eval/info.csv"])
def test_missing_csv_is_named(data: Path, name: str) -> None:
    (data / name).unlink()
    assert faults_of(data) == [
        f"1 files are missing, such as {name}. A data folder has train/train.csv and eval/info.csv."
    ]


@pytest.mark.parametrize(("name", "column"), [("train/train.csv", "age"), ("eval/info.csv", "ImageID")])
def test_missing_column_is_named(data: Path, name: str, column: str) -> None:
    path = data / name
    path.write_text(path.read_text().replace(column, "other", 1))
    (message,) = faults_of(data)
    assert message.startswith(f"1 columns of {name} are missing, such as {column}. Its header must be ")


@pytest.mark.parametrize("name", ["train/train.csv", "eval/info.csv"])
def test_csv_without_a_row_is_a_fault(data: Path, name: str) -> None:
    path = data / name
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert faults_of(data)[0].startswith(f"1 files have no row, such as {name}.")


def test_csv_that_is_not_text_is_a_fault(data: Path) -> None:
    (data / "train/train.csv").write_bytes(b"\xff\xfe\x00")
    assert faults_of(data)[0].startswith("1 files cannot be read, such as train/train.csv (")


def test_person_without_a_folder_is_named(data: Path, person: Path) -> None:
    shutil.rmtree(person)
    (message,) = faults_of(data)
    assert message == (
        f"1 persons of train/train.csv have no folder below train/images, such as {person.name}. "
        "Add the folder, or delete the row."
    )


def test_folder_without_a_row_is_named(data: Path, rows: Rows) -> None:
    write_rows(data, rows[1:])
    (message,) = faults_of(data)
    assert message == (
        f"1 folders below train/images have no row in train/train.csv, such as {rows[0]['path']}. "
        "Add a row, or delete the folder."
    )


def test_folder_without_a_photo_is_named(data: Path, person: Path) -> None:
    for photo in person.iterdir():
        photo.unlink()
    assert faults_of(data)[0].startswith(f"1 persons have a folder without a photo, such as {person.name}.")


def test_file_that_is_no_photo_by_its_ending_is_named(data: Path, person: Path) -> None:
    photo_of(person, "mask1").rename(person / "mask1.gif")
    assert faults_of(data)[0].startswith(
        f"1 files are no photos by their name, such as train/images/{person.name}/mask1.gif."
    )


def test_photo_that_is_there_with_two_endings_is_named(data: Path, person: Path) -> None:
    photo = photo_of(person, "mask1")
    shutil.copyfile(photo, photo.with_suffix(".png" if photo.suffix != ".png" else ".jpg"))
    (message,) = faults_of(data)
    assert message.startswith("1 photos of a person are there more than once, with other endings, such as ")
    assert message.endswith(f"train/images/{person.name}/mask1. Keep one of them.")


def test_photo_whose_name_says_no_state_is_named(data: Path, person: Path) -> None:
    photo = photo_of(person, "mask1")
    photo.rename(photo.with_stem("mask9"))
    assert faults_of(data)[0].startswith("1 training photos have a name that says no mask state, such as ")


@pytest.mark.parametrize("age", ["", "old", "-3", "30.5"])
def test_age_that_is_no_whole_number_is_named(data: Path, rows: Rows, age: str) -> None:
    rows[0]["age"] = age
    write_rows(data, rows)
    assert faults_of(data)[0].startswith(
        f"1 ages in train/train.csv are not whole years, such as {age!r} of {rows[0]['path']}."
    )


@pytest.mark.parametrize("path", ["..", "", "../../etc", "a/b", "a\\b"])
def test_path_must_be_a_folder_name(data: Path, rows: Rows, path: str) -> None:
    rows[0]["path"] = path
    write_rows(data, rows)
    assert faults_of(data)[0] == (
        f"1 rows of train/train.csv have a path that is no folder name, such as {path!r}. "
        "Name a folder below train/images."
    )


def test_person_listed_twice_is_named(data: Path, rows: Rows) -> None:
    write_rows(data, [*rows, rows[0]])
    assert f"1 paths stand in train/train.csv more than once, such as {rows[0]['path']}. Keep one row." in faults_of(
        data
    )


def test_evaluation_photos_and_rows_must_match(data: Path) -> None:
    first, second, *_ = sorted((data / "eval/images").iterdir())
    first.rename(first.with_name("stranger.jpg"))
    path = data / "eval/info.csv"
    path.write_text(f"{path.read_text()}{second.name},0\n")
    messages = faults_of(data)
    assert f"1 photos of eval/info.csv are not in eval/images, such as {first.name}." in messages[0]
    assert "1 files in eval/images have no row in eval/info.csv, such as stranger.jpg." in messages[1]
    assert f"1 photos stand in eval/info.csv more than once, such as {second.name}." in messages[2]


def test_empty_folder_has_two_missing_files(tmp_path: Path) -> None:
    assert [message.partition(",")[0] for message in faults_of(tmp_path)] == ["1 files are missing"] * 2
