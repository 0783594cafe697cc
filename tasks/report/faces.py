"""The faces that were found: who found them, how large they are, and photos to look at."""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from tasks.classes import STATES
from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.photos import read_photo
from tasks.progress import track
from tasks.report.plots import box_sizes_plot
from tasks.store import Artifact
from tasks.tables import BOX_SIDES, BOXES, CATALOG, FACE_SIDES, MARK_COLUMNS
from tasks.thumbnails import encode_thumbnail, with_box, with_points

NO_FACE = ("default", "centre")
"""Sources of a box that was not put around a face."""
SAMPLE = 16
"""Photos that are shown of those that a detector found a face on."""
MOST = 600
"""Most photos on a wall that shows all of a kind: with their thumbnails some 3 MB."""
SIDE = 160
"""Pixels of a thumbnail's longer side."""
SEED = 0
"""The same photos are shown each time."""
FACE_COLOUR = "#ff9f0a"


@dataclass(frozen=True)
class FaceRow:
    """How boxes were found in some photos: shares 0..1 by source, and the number that were undersized."""

    name: str
    photos: int
    shares: dict[str, float]
    undersized: int


@dataclass(frozen=True)
class FacePhoto:
    """A photo with its box, its face and landmarks on it.

    Attributes:
        photo: its path in the data folder.
        image: its thumbnail; None if the photo is gone, or no longer what it was.
        what: what was found, in words.
    """

    photo: str
    image: str | None
    what: str


@dataclass(frozen=True)
class Wall:
    """Photos of a kind.

    Attributes:
        title: which they are.
        photos: some of them, or all.
        total: how many there are.
    """

    title: str
    photos: list[FacePhoto]
    total: int


@dataclass(frozen=True)
class Faces:
    """What the section shows.

    Attributes:
        sources: who found boxes, the commonest first.
        rows: a row for each group of photos.
        sizes: sizes of boxes, drawn; None if there are none.
        walls: photos to look at.
    """

    sources: list[str]
    rows: list[FaceRow]
    sizes: Markup | None
    walls: list[Wall]


def show_faces(data: DataFolder, catalog: Artifact, faces: Artifact) -> Faces:
    """All that is to be seen of the boxes in the artifact `faces`, on the photos of `catalog`, which lie in `data`."""
    boxes = BOXES.read(faces.path("boxes.parquet")).merge(
        CATALOG.read(catalog.path("catalog.parquet"))[["photo", "split", "state", "sha256", "width", "height"]],
        on="photo",
        validate="1:1",
    )
    sources, rows = face_sources(boxes)
    sizes = box_sizes(boxes)
    plot = None if sizes.empty else box_sizes_plot(sizes, smallest_box(faces))
    return Faces(sources, rows, plot, draw_walls(data, boxes))


def face_sources(boxes: pd.DataFrame) -> tuple[list[str], list[FaceRow]]:
    """Sources of boxes, the commonest first, and their shares overall, by state and among evaluation photos."""
    sources = boxes["source"].value_counts().index.tolist()
    parts = {
        "all photos": boxes,
        **{state: boxes[boxes["state"] == state] for state in STATES},
        "evaluation": boxes[boxes["split"] == "eval"],
    }
    return sources, [_face_row(name, part, sources) for name, part in parts.items() if len(part)]


def box_sizes(boxes: pd.DataFrame) -> pd.DataFrame:
    """Width and height, pixels, of the training photos' boxes around faces; empty if there are none."""
    found = boxes[~boxes["source"].isin(NO_FACE) & (boxes["split"] == "train")]
    return pd.DataFrame({"width": found["right"] - found["left"], "height": found["bottom"] - found["top"]})


def smallest_box(faces: Artifact) -> dict[str, float]:
    """Width and height, pixels, below both of which a box around a face was called undersized."""
    limits = faces.manifest.summary["smallest_box"]
    found = limits.items() if isinstance(limits, dict) else ()
    return {side: limit for side, limit in found if isinstance(limit, float)}


def draw_walls(data: DataFolder, boxes: pd.DataFrame) -> list[Wall]:
    """A sample of what each detector found, and of photos with several faces; all fallbacks, and all undersized."""
    undersized, default = boxes["undersized"], boxes["source"] == "default"
    detected = [source for source in boxes["source"].unique() if source != "default"]
    chosen = {
        **{f"By {source}": (boxes[boxes["source"] == source], SAMPLE) for source in sorted(detected)},
        "Several faces: the large one near the middle counts": (boxes[boxes["faces"] > 1], SAMPLE),
        "Undersized: the default box instead of the face": (boxes[undersized], MOST),
        "No face found: the default box": (boxes[default & ~undersized], MOST),
    }
    shown = {title: (_some(rows, most), len(rows)) for title, (rows, most) in chosen.items() if len(rows)}
    drawn = _draw_all(data, pd.concat([rows for rows, _ in shown.values()]).drop_duplicates("photo"))
    return [Wall(title, [drawn[photo] for photo in rows["photo"]], total) for title, (rows, total) in shown.items()]


def _some(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """All rows, or so many of them at random; in their order."""
    return rows.iloc[np.sort(np.random.default_rng(SEED).permutation(len(rows))[:most])]


def _draw_all(data: DataFolder, rows: pd.DataFrame) -> dict[str, FacePhoto]:
    # Decoding lets others have the interpreter, so threads are enough.
    with ThreadPoolExecutor(data.threads) as pool:
        drawn = pool.map(partial(_draw, data), rows.to_dict("records"))
        return {one.photo: one for one in track(drawn, "Drawing faces", len(rows))}


def _draw(data: DataFolder, row: Mapping[Hashable, Any]) -> FacePhoto:
    try:
        pixels = read_photo(data, row["photo"], row["sha256"], SIDE)
    except DataError:
        return FacePhoto(row["photo"], None, "gone, or changed since")
    height, width = pixels.shape[:2]
    scale = np.array([width / row["width"], height / row["height"]])
    pixels = with_box(pixels, (np.array([row[side] for side in BOX_SIDES]) * np.tile(scale, 2)).tolist(), SIDE)
    if pd.notna(row["score"]):
        face = np.array([row[side] for side in FACE_SIDES], np.float64) * np.tile(scale, 2)
        marks = np.array([row[mark] for mark in MARK_COLUMNS], np.float64).reshape(-1, 2) * scale
        pixels = with_points(with_box(pixels, face.tolist(), SIDE, FACE_COLOUR), marks.tolist(), SIDE)
    return FacePhoto(row["photo"], encode_thumbnail(pixels, SIDE), _words(row))


def _words(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["score"]):
        return "no face" if row["source"] == "default" else "not searched"
    size = f"{row['face_right'] - row['face_left']:.0f} x {row['face_bottom'] - row['face_top']:.0f} px"
    several = f", {row['faces']} faces" if row["faces"] > 1 else ""
    return f"{size}, {row['score']:.2f}{several}"


def _face_row(name: str, boxes: pd.DataFrame, sources: list[str]) -> FaceRow:
    shares = {source: float((boxes["source"] == source).mean()) for source in sources}
    return FaceRow(name, len(boxes), shares, int(boxes["undersized"].sum()))
