import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.catalog.measure import Unreadable
from tasks.catalog.step import LABEL_COLUMNS, make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.photos import decode_photo
from tasks.store import Ledger
from tasks.store.manifest import FileEntry
from tasks.tables import CATALOG


def photo_of(person: Path, stem: str) -> Path:
    return next(person.glob(f"{stem}.*"))


def test_catalog_has_a_row_a_photo_with_its_labels(data: Path, ledger: Ledger) -> None:
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(data)).path("catalog.parquet"))
    train, evaluation = (catalog[catalog["split"] == split] for split in ("train", "eval"))
    assert (len(train), len(evaluation)) == (84, 14)
    row = train.iloc[0]
    assert row["person"] == f"{row['group']}_{row['gender']}_{row['race']}_{row['age']}"
    for label in ("state", "gender", "age"):
        assert train[label].equals(train[f"given_{label}"].rename(label))
    assert train.groupby("person").size().eq(7).all()
    assert evaluation[list(LABEL_COLUMNS)].isna().all(axis=None)
    assert evaluation[["given_state", "given_gender", "given_age"]].isna().all(axis=None)


def test_colours_and_sizes_are_those_of_the_pixels(data: Path, ledger: Ledger) -> None:
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(data)).path("catalog.parquet"))
    for row in catalog.sample(5, random_state=1).to_dict("records"):
        pixels = decode_photo((data / row["photo"]).read_bytes()) / 255
        assert (row["height"], row["width"]) == pixels.shape[:2]
        assert [row[f"mean_{channel}"] for channel in "rgb"] == pytest.approx(pixels.mean(axis=(0, 1)))
        assert [row[f"square_{channel}"] for channel in "rgb"] == pytest.approx((pixels**2).mean(axis=(0, 1)))


def test_figures_describe_all_pixels_of_all_photos(data: Path, ledger: Ledger) -> None:
    figures = json.loads(make_catalog(ledger, LocalFolder(data)).path("eda.json").read_text())
    photos = [path for path in data.rglob("*") if path.suffix in {".jpg", ".jpeg", ".png"}]
    pixels = np.concatenate([decode_photo(path.read_bytes()).reshape(-1, 3) for path in photos])
    counts = np.stack([np.bincount(channel, minlength=256) for channel in pixels.T]) / len(pixels)
    levels = np.arange(256) / 255
    mean = counts @ levels
    assert figures["photos"] == {"train": 84, "eval": 14}
    assert figures["mask"] == {"mask": 0.714286, "incorrect": 0.142857, "normal": 0.142857}
    assert sum(figures["class"].values()) == pytest.approx(1, abs=1e-5)
    assert sum(figures["persons_by_age"].values()) == figures["persons"] == 12
    assert figures["rgb"]["mean"] == pytest.approx(mean, abs=1e-6)
    assert figures["rgb"]["std"] == pytest.approx(np.sqrt(counts @ levels**2 - mean**2), abs=1e-6)
    assert figures["sizes"] == {"384x512": 98}


def test_unchanged_data_reuses_the_catalog_wherever_it_lies(data: Path, ledger: Ledger) -> None:
    first = make_catalog(ledger, LocalFolder(data))
    moved = data.rename(data.with_name("moved"))
    second = make_catalog(ledger, LocalFolder(moved))
    assert (first.reused, second.reused, first.ref) == (False, True, second.ref)


def test_one_changed_pixel_makes_a_new_catalog(data: Path, ledger: Ledger, person: Path) -> None:
    first = make_catalog(ledger, LocalFolder(data))
    pixels = decode_photo(photo_of(person, "normal").read_bytes()).copy()
    pixels[0, 0] ^= 255
    photo_of(person, "normal").unlink()
    Image.fromarray(pixels).save(person / "normal.png")
    assert make_catalog(ledger, LocalFolder(data)).ref != first.ref


def test_one_changed_label_makes_a_new_catalog(data: Path, ledger: Ledger, rows: list[dict[str, str]]) -> None:
    first = make_catalog(ledger, LocalFolder(data))
    path = data / "train/train.csv"
    other = "female" if rows[0]["gender"] == "male" else "male"
    path.write_text(path.read_text().replace(f",{rows[0]['gender']},", f",{other},", 1))
    assert make_catalog(ledger, LocalFolder(data)).ref != first.ref


def test_another_suffix_of_an_id_makes_a_new_catalog(data: Path, ledger: Ledger, rows: list[dict[str, str]]) -> None:
    path, id_ = data / "train/train.csv", rows[0]["id"]
    path.write_text(path.read_text().replace(f"\n{id_},", f"\n{id_}-1,", 1))
    first = make_catalog(ledger, LocalFolder(data))
    path.write_text(path.read_text().replace(f"\n{id_}-1,", f"\n{id_}-2,", 1))
    second = make_catalog(ledger, LocalFolder(data))
    assert second.ref != first.ref  # corrections tell the two apart
    assert second.manifest.files == first.manifest.files


def test_photos_that_cannot_be_decoded_are_rows_that_say_why(data: Path, ledger: Ledger, person: Path) -> None:
    spoilt = {"mask1": photo_of(person, "mask1").read_bytes()[:2000], "mask2": b"", "mask3": b"no photo"}
    for stem, content in spoilt.items():
        photo_of(person, stem).write_bytes(content)
    made = make_catalog(ledger, LocalFolder(data))
    catalog = CATALOG.read(made.path("catalog.parquet"))
    broken = catalog[catalog["problem"].notna()]
    assert [Path(photo).stem for photo in broken["photo"]] == list(spoilt)
    assert broken["problem"].tolist()[1:] == ["an empty file", "not an image"]
    assert broken["class"].notna().all()
    assert (broken[["width", "height", "mean_r", "square_b", "sharpness"]] == 0).all(axis=None)
    assert broken["phash"].isna().all()
    figures = json.loads(made.path("eda.json").read_text())
    assert (figures["photos"]["train"], figures["sizes"]) == (84, {"384x512": 95})


def test_everything_that_is_wrong_is_found_in_one_pass(data: Path, ledger: Ledger) -> None:
    first, second, third, *_ = sorted((data / "train/images").iterdir())
    shutil.rmtree(first)
    photo_of(second, "mask1").rename(second / "mask1.tiff")
    unread = photo_of(third, "normal")
    unread.unlink()
    unread.mkdir()
    (data / "train/images/stranger").mkdir()
    gone = photo_of(third, "mask1")
    gone.unlink()
    gone.symlink_to("nowhere")
    next((data / "eval/images").iterdir()).unlink()
    with pytest.raises(DataError) as raised:
        make_catalog(ledger, LocalFolder(data))
    for part in (
        "have no folder",
        "have no row in train/train.csv",
        "are no photos by their name",
        "are not in eval/images",
        "2 photos cannot be read, such as",
        "mask1",
    ):
        assert part in str(raised.value)


def test_photos_that_cannot_be_opened_are_counted(data: Path, ledger: Ledger) -> None:
    for person in list((data / "train/images").iterdir())[:3]:
        photo = photo_of(person, "normal")
        photo.unlink()
        photo.mkdir()
    with pytest.raises(DataError, match=r"3 photos cannot be read, such as \S+ \(Is a directory\)"):
        make_catalog(ledger, LocalFolder(data))


def test_photo_that_could_not_be_opened_at_first_is_still_told(
    data: Path, ledger: Ledger, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_of(person, "normal").relative_to(data).as_posix()

    def fail_once(folder: LocalFolder, photos: list[str]) -> list[FileEntry | Unreadable]:
        return [Unreadable(name, "Stale file handle") if name == photo else folder.describe(name) for name in photos]

    monkeypatch.setattr("tasks.catalog.step.digest_photos", fail_once)
    with pytest.raises(DataError, match=r"1 photos cannot be read, such as .*normal\.\w+ \(Stale file handle\)"):
        make_catalog(ledger, LocalFolder(data))


@dataclass(frozen=True)
class ChangingFolder(LocalFolder):
    """A folder in which a photo has other bytes when it is read than when it was described."""

    photo: str
    other: str

    def read(self, name: str, sha256: str | None = None) -> bytes:
        return super().read(self.other if name == self.photo else name, sha256)


def test_photo_that_changes_while_the_catalog_is_made_never_gets_into_one(data: Path, ledger: Ledger) -> None:
    photo, other, *_ = (path.relative_to(data).as_posix() for path in sorted((data / "train/images").glob("*/*")))
    with pytest.raises(DataError, match=r"1 photos cannot be read, such as .*it changed while it was read: run again"):
        make_catalog(ledger, ChangingFolder(data, photo, other))
    assert list(ledger.backend.list("steps/")) == []


def test_empty_cells_are_left_to_validation(data: Path, ledger: Ledger, rows: list[dict[str, str]]) -> None:
    path = data / "train/train.csv"
    first = rows[0]
    path.write_text(path.read_text().replace(f"\n{first['id']},{first['gender']},", "\n,,", 1))
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(data)).path("catalog.parquet"))
    assert catalog.query("split == 'train'")[["group", "gender", "class"]].isna().sum().tolist() == [7, 7, 7]


def test_missing_data_folder_is_named(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(DataError, match=r"There is no data folder .*nowhere"):
        make_catalog(ledger, LocalFolder(tmp_path / "nowhere"))


def test_gender_that_is_no_word_of_ours_is_left_to_validation(data: Path, ledger: Ledger) -> None:
    path = data / "train/train.csv"
    path.write_text(path.read_text().replace(",male,", ",man,", 1))
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(data)).path("catalog.parquet"))
    odd = catalog[catalog["gender"] == "man"]
    assert (len(odd), odd["class"].isna().all()) == (7, True)
