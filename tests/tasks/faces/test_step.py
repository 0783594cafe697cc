from pathlib import Path

import pytest

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.faces.settings import FacesSettings, Size
from tasks.faces.step import find_boxes
from tasks.store import Ledger
from tasks.store.folder import FolderBackend
from tasks.tables import BOXES, CATALOG

CENTRE = FacesSettings(crop="centre", centre=Size(height=400, width=200))


def test_every_photo_of_the_catalog_has_a_box_and_the_next_detector_finds_what_the_first_misses(
    sample_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = Ledger(FolderBackend(tmp_path_factory.mktemp("store")))
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    artifact = find_boxes(ledger, LocalFolder(sample_data), catalog, FacesSettings(detectors=("mtcnn", "retinaface")))
    boxes = BOXES.read(artifact.path("boxes.parquet"))
    assert boxes["photo"].tolist() == CATALOG.read(catalog.path("catalog.parquet"))["photo"].tolist()
    assert artifact.manifest.summary["photos_by_source"] == boxes["source"].value_counts().to_dict()
    found = boxes["source"].isin(["mtcnn", "retinaface"])
    assert found.mean() > 0.9
    assert set(boxes["source"]) >= {"mtcnn", "retinaface"}


def test_centre_crops_search_nothing(sample_data: Path, ledger: Ledger) -> None:
    artifact = find_boxes(ledger, LocalFolder(sample_data), make_catalog(ledger, LocalFolder(sample_data)), CENTRE)
    boxes = BOXES.read(artifact.path("boxes.parquet"))
    assert set(boxes[["left", "top", "right", "bottom"]].itertuples(index=False, name=None)) == {(92, 56, 292, 456)}
    assert artifact.manifest.summary == {"photos_by_source": {"centre": 98}, "undersized": 0, "smallest_box": None}


def test_other_settings_are_other_boxes_and_equal_ones_are_reused(sample_data: Path, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    first = find_boxes(ledger, LocalFolder(sample_data), catalog, CENTRE)
    other = find_boxes(ledger, LocalFolder(sample_data), catalog, FacesSettings(crop="centre"))
    again = find_boxes(ledger, LocalFolder(sample_data), catalog, CENTRE)
    assert [first.reused, other.reused, again.reused] == [False, False, True]
