from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest

from tasks.catalog import step
from tasks.catalog.measure import PhotoFacts, Unreadable, measure_photos
from tasks.catalog.step import make_catalog
from tasks.data_folder import DataFolder
from tasks.data_folder.local import LocalFolder
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.tables import CATALOG


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The photos that have been decoded."""
    photos: list[str] = []

    def measure(data: DataFolder, digests: Mapping[str, str]) -> Iterator[PhotoFacts | Unreadable]:
        photos.extend(digests)
        return measure_photos(data, digests)

    monkeypatch.setattr(step, "measure_photos", measure)
    return photos


@pytest.fixture
def earlier(data: Path, ledger: Ledger, measured: list[str]) -> Artifact:
    """A catalog of the data, one of whose photos cannot be decoded."""
    min((data / "train/images").glob("*/mask2.*")).write_bytes(b"no photo")
    catalog = make_catalog(ledger, LocalFolder(data))
    measured.clear()
    return catalog


def change(data: Path) -> str:
    """Let a photo have other bytes; returns its name."""
    photo = min((data / "train/images").glob("*/mask1.*"))
    photo.write_bytes(photo.read_bytes() + b"\0")  # what follows an image is not looked at
    return photo.relative_to(data).as_posix()


def table(catalog: Artifact) -> pd.DataFrame:
    return CATALOG.read(catalog.path("catalog.parquet"))


@pytest.mark.usefixtures("earlier")
def test_only_photos_that_no_earlier_catalog_has_are_decoded(data: Path, ledger: Ledger, measured: list[str]) -> None:
    changed = change(data)
    make_catalog(ledger, LocalFolder(data))
    assert measured == [changed]


@pytest.mark.usefixtures("earlier")
def test_facts_are_those_that_are_measured_anew(
    data: Path, ledger: Ledger, measured: list[str], tmp_path: Path
) -> None:
    change(data)
    known = make_catalog(ledger, LocalFolder(data))
    anew = make_catalog(Ledger(FolderBackend(tmp_path / "other")), LocalFolder(data))
    assert len(measured) == 1 + len(table(anew))
    pd.testing.assert_frame_equal(table(known), table(anew))
    assert known.manifest.files == anew.manifest.files


@pytest.mark.usefixtures("earlier")
def test_photo_is_known_by_its_bytes_wherever_it_lies(data: Path, ledger: Ledger, measured: list[str]) -> None:
    photos = sorted((data / "train/images").glob("*/mask3.*"))
    photos[0].write_bytes(photos[1].read_bytes())
    make_catalog(ledger, LocalFolder(data))
    assert measured == []


@pytest.mark.usefixtures("earlier")
def test_photo_may_be_known_from_a_catalog_that_is_not_the_newest(
    data: Path, ledger: Ledger, measured: list[str]
) -> None:
    changed = data / change(data)
    make_catalog(ledger, LocalFolder(data))
    measured.clear()
    changed.write_bytes(changed.read_bytes()[:-1])
    rows = data / "train/train.csv"
    rows.write_text(rows.read_text().replace(",Asian,", ",other,", 1))
    assert not make_catalog(ledger, LocalFolder(data)).reused
    assert measured == []


def test_interrupted_catalog_goes_on_after_what_was_remembered(
    data: Path, ledger: Ledger, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "REMEMBERED_AT_ONCE", 10)

    def cut_off(data: DataFolder, digests: Mapping[str, str]) -> Iterator[PhotoFacts | Unreadable]:
        yield from islice(measure_photos(data, digests), 25)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, "measure_photos", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make_catalog(ledger, LocalFolder(data))
    catalog = make_catalog(ledger, LocalFolder(data))
    assert len(measured) == len(table(catalog)) - 20


@pytest.mark.usefixtures("earlier")
def test_catalog_of_other_code_or_libraries_is_not_believed(
    data: Path, ledger: Ledger, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.store.keys.version", lambda _: "99.0")
    again = make_catalog(ledger, LocalFolder(data))
    assert len(measured) == len(table(again))
