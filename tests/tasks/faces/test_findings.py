import shutil
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from tasks.catalog.step import make_catalog
from tasks.data_folder import DataFolder
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.faces import findings
from tasks.faces.findings import chunks_of, search_in_threads
from tasks.faces.search import Chunk, Searched
from tasks.faces.settings import DetectorName, FacesSettings
from tasks.faces.step import find_boxes
from tasks.progress import reporting_to
from tasks.store import Ledger
from tasks.tables import BOXES
from tests.notebook import Notebook

RETINAFACE = FacesSettings(detectors=("retinaface",))


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_data, tmp_path / "data"))


class Searching:
    """A search that notes which photos it is asked for, and can be cut off after some chunks."""

    def __init__(self, chunks: int | None = None) -> None:
        self.photos: list[str] = []
        self._chunks = chunks

    def __call__(
        self, data: DataFolder, chunks: Sequence[Chunk], detectors: Sequence[DetectorName]
    ) -> Generator[Searched, None, None]:
        for number, chunk in enumerate(chunks):
            if number == self._chunks:
                raise KeyboardInterrupt
            self.photos += chunk["photo"].tolist()
            yield from search_in_threads(data, [chunk], detectors)


def find(ledger: Ledger, data: Path, search: Searching, settings: FacesSettings = RETINAFACE) -> pd.DataFrame:
    folder = LocalFolder(data)
    artifact = find_boxes(ledger, folder, make_catalog(ledger, folder), settings, search)
    return BOXES.read(artifact.path("boxes.parquet"))


def change(data: Path) -> str:
    """Let a photo have other bytes, but the same pixels; returns its name."""
    photo = min((data / "train/images").glob("*/mask1.*"))
    photo.write_bytes(photo.read_bytes() + b"\0")
    return photo.relative_to(data).as_posix()


def test_only_photos_that_were_never_searched_are_searched(data: Path, ledger: Ledger) -> None:
    first = find(ledger, data, Searching())
    changed, again = change(data), Searching()
    boxes = find(ledger, data, again)
    assert again.photos == [changed]
    pd.testing.assert_frame_equal(boxes, first)


def test_corrected_label_searches_nothing(data: Path, ledger: Ledger) -> None:
    find(ledger, data, Searching())
    rows = data / "train/train.csv"
    rows.write_text(rows.read_text().replace(",Asian,", ",other,", 1))
    again = Searching()
    find(ledger, data, again)
    assert again.photos == []


def test_other_padding_searches_nothing_and_other_detectors_everything(data: Path, ledger: Ledger) -> None:
    find(ledger, data, Searching())
    padded, others = Searching(), Searching()
    find(ledger, data, padded, RETINAFACE.model_copy(update={"padding_x": 5}))
    find(ledger, data, others, FacesSettings(detectors=("retinaface", "mtcnn")))
    assert (len(padded.photos), len(others.photos)) == (0, 98)


def test_interrupted_search_goes_on_after_the_last_chunk_that_was_searched(data: Path, ledger: Ledger) -> None:
    first, second = Searching(chunks=2), Searching()
    with pytest.raises(KeyboardInterrupt):
        find(ledger, data, first)
    find(ledger, data, second)
    assert first.photos
    assert len({*first.photos, *second.photos}) == len(first.photos) + len(second.photos) == 98


def test_photos_that_cannot_be_read_are_counted_and_the_others_remembered(data: Path, ledger: Ledger) -> None:
    folder = LocalFolder(data)
    catalog = make_catalog(ledger, folder)
    changed, again = change(data), Searching()
    with pytest.raises(DataError, match=f"1 photos cannot be searched, such as {changed} has changed since"):
        find_boxes(ledger, folder, catalog, RETINAFACE)
    assert list(ledger.backend.list("steps/faces/")) == []
    find(ledger, data, again)
    assert again.photos == [changed]


def test_same_bytes_are_searched_once(data: Path, ledger: Ledger) -> None:
    first, second = sorted((data / "train/images").glob("*/mask3.*"))[:2]
    second.write_bytes(first.read_bytes())
    search = Searching()
    boxes = find(ledger, data, search).set_index("photo")
    names = [path.relative_to(data).as_posix() for path in (first, second)]
    assert len(search.photos) == 97
    assert boxes.loc[names[0]].equals(boxes.loc[names[1]])


def test_person_hears_how_far_the_search_is_and_what_was_known(data: Path, ledger: Ledger) -> None:
    heard = Notebook()
    with reporting_to(heard):
        find(ledger, data, Searching())
        change(data)
        find(ledger, data, Searching())
    told = [line for line in heard.lines if "searched" in line or "faces" in line]
    assert told == ["Finding faces 98", "97 of 98 photos were searched before.", "Finding faces 1"]


@pytest.mark.parametrize(("photos", "size"), [(0, 0), (5, 3), (42, 21), (98, 32), (400, 50), (100_000, 256)])
def test_chunks_keep_all_threads_busy_and_no_photo_is_lost(photos: int, size: int) -> None:
    all_of_them = pd.DataFrame({"photo": range(photos)})
    chunks = chunks_of(all_of_them, threads=2)
    assert [photo for chunk in chunks for photo in chunk["photo"]] == list(range(photos))
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


def test_search_that_nobody_listens_to_any_more_begins_no_chunk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def search(*about: object) -> Searched:
        begun.append(len(about))
        time.sleep(0.05)
        return Searched(pd.DataFrame())

    monkeypatch.setattr(findings, "search_photos", search)
    chunks = chunks_of(pd.DataFrame({"photo": range(4000)}), threads=2)
    found = search_in_threads(LocalFolder(data), chunks, ("retinaface",))
    next(found)
    found.close()
    assert len(begun) < len(chunks)
