"""The step: from photos and boxes to crops."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

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
        cuts = [_cut(row) for row in table.to_dict("records")]
        places = pd.DataFrame(write_shards(data, cuts, settings, folder), columns=["shard", "row"])
        CROPS.write(places.assign(photo=table["photo"]), folder / "crops.parquet")
        return {"photos": len(cuts), "height": settings.height, "width": settings.width}

    return ledger.produce(STEP, {"catalog": catalog, "boxes": boxes}, settings, compute)


def _cut(row: Mapping[Hashable, Any]) -> Cut:
    left, top, right, bottom = (row[side] for side in BOX_SIDES)
    x, y, other_x, other_y = (row[f"{eye}_{axis}"] for eye in ("left_eye", "right_eye") for axis in "xy")
    eyes = None if pd.isna(x) else (x, y, other_x, other_y)
    return Cut(row["photo"], row["sha256"], (left, top, right, bottom), eyes)
