import hashlib
from pathlib import Path

import numpy as np
import pytest

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.faces.settings import FacesSettings, Size
from tasks.faces.step import find_boxes
from tasks.photos import decode_photo
from tasks.prepare import shards
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.shards import Cut, cut_out
from tasks.prepare.step import make_crops
from tasks.store import Ledger
from tasks.tables import CATALOG, CROPS

SAME_SIZE = PrepareSettings(height=400, width=200)
CENTRE = FacesSettings(crop="centre", centre=Size(height=400, width=200))


def test_shards_hold_every_crop_where_the_index_says(
    sample_data: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD_PHOTOS", 40)
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    artifact = make_crops(
        ledger,
        LocalFolder(sample_data),
        catalog,
        find_boxes(ledger, LocalFolder(sample_data), catalog, CENTRE),
        SAME_SIZE,
    )
    crops = CROPS.read(artifact.path("crops.parquet"))
    arrays = {name: np.load(artifact.path(name)) for name in sorted(set(crops["shard"]))}
    assert {name: array.shape for name, array in arrays.items()} == {
        "crops-000.npy": (40, 400, 200, 3),
        "crops-001.npy": (40, 400, 200, 3),
        "crops-002.npy": (18, 400, 200, 3),
    }
    assert crops["photo"].tolist() == CATALOG.read(catalog.path("catalog.parquet"))["photo"].tolist()
    for photo, shard, row in crops.itertuples(index=False):
        pixels = decode_photo((sample_data / photo).read_bytes())
        assert np.array_equal(arrays[shard][row], pixels[56:456, 92:292])


def test_crops_are_made_once_a_size(sample_data: Path, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    boxes = find_boxes(ledger, LocalFolder(sample_data), catalog, CENTRE)
    sizes = [SAME_SIZE, PrepareSettings(height=64, width=48), SAME_SIZE]
    assert [make_crops(ledger, LocalFolder(sample_data), catalog, boxes, size).reused for size in sizes] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("size", [(48, 36), (400, 300)], ids=["shrunk", "grown"])
def test_crop_is_the_box_at_the_asked_size(sample_data: Path, size: tuple[int, int]) -> None:
    path = next(sample_data.glob("train/images/*/normal.*"))
    content = path.read_bytes()
    cut = Cut(path.relative_to(sample_data).as_posix(), hashlib.sha256(content).hexdigest(), (100, 100, 220, 260))
    crop = cut_out(LocalFolder(sample_data), cut, PrepareSettings(height=size[0], width=size[1]))
    box = decode_photo(content)[100:260, 100:220]
    assert (crop.shape, crop.dtype) == ((*size, 3), np.uint8)
    assert crop.mean(axis=(0, 1)) == pytest.approx(box.mean(axis=(0, 1)), abs=1)
