"""Thumbnails of the photos that a page shows."""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.photos import read_photo
from tasks.progress import track
from tasks.tables import BOX_SIDES
from tasks.thumbnails import encode_thumbnail, with_box

SIDE = 192
"""Most pixels of a thumbnail's longer side: a page has hundreds."""


class Picture(NamedTuple):
    """A photo as a page shows it.

    Attributes:
        uri: its thumbnail as a ``data:`` URI; None if there is none.
        problem: why there is none.
    """

    uri: str | None
    problem: str | None = None


def draw_pictures(data: DataFolder, photos: pd.DataFrame) -> dict[str, Picture]:
    """Pictures of photos, by the photo. One that is gone, or no longer what it was, gets none, and says so.

    Args:
        data: where they lie.
        photos: rows of a catalog; boxes are drawn if their sides stand beside them.
    """
    rows = photos.to_dict("records")
    # Reading and decoding release the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(data.threads) as pool:
        pictures = track(pool.map(partial(_draw, data), rows), "Drawing thumbnails", len(rows))
        return dict(zip(photos["photo"], pictures, strict=True))


def _draw(data: DataFolder, row: Mapping[Hashable, Any]) -> Picture:
    if isinstance(row["problem"], str):
        return Picture(None, "cannot be decoded")
    try:
        pixels = read_photo(data, row["photo"], row["sha256"])
    except DataError:
        return Picture(None, "gone, or changed since")
    box = [row[side] for side in BOX_SIDES if side in row]
    return Picture(encode_thumbnail(with_box(pixels, box, SIDE) if box else pixels, SIDE))
