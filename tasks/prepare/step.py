"""The step: from photos and boxes to crops."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.data_folder import DataFolder
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.shards import Cut, write_shards
from tasks.store import Artifact, Ledger, Step
from tasks.tables import BOX_SIDES, BOXES, CATALOG, CROPS

STEP = Step(name="prepare", package="tasks.prepare", libraries=("opencv-python-headless", "pillow"))


def make_crops(
    ledger: Ledger, data: DataFolder, catalog: Artifact, boxes: Artifact, settings: PrepareSettings
) -> Artifact:
    """The crops of every photo of `catalog`, whose files are those of `data`: crops.parquet and its shards.

    Raises:
        DataError: a photo cannot be read, or has changed since the catalog was made.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        photos = CATALOG.read(catalog.path("catalog.parquet"))
        table = photos[["photo", "sha256"]].merge(BOXES.read(boxes.path("boxes.parquet")), on="photo", validate="1:1")
        sides = zip(*(table[side].tolist() for side in BOX_SIDES), strict=True)
        cuts = [
            Cut(photo, sha256, (left, top, right, bottom))
            for photo, sha256, (left, top, right, bottom) in zip(table["photo"], table["sha256"], sides, strict=True)
        ]
        places = pd.DataFrame(write_shards(data, cuts, settings, folder), columns=["shard", "row"])
        CROPS.write(places.assign(photo=table["photo"]), folder / "crops.parquet")
        return {"photos": len(cuts), "height": settings.height, "width": settings.width}

    return ledger.produce(STEP, {"catalog": catalog, "boxes": boxes}, settings, compute)
