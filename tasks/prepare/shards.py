"""Cutting the boxes out of the photos and writing them into shards."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tasks.data_folder import DataFolder
from tasks.photos import Pixels, read_photo
from tasks.prepare.settings import PrepareSettings
from tasks.progress import progress

SHARD_PHOTOS = 1024
"""Photos a shard: 160 MB at 260 x 200, small enough to move, large enough to be few."""


@dataclass(frozen=True)
class Cut:
    """What to cut out of which photo; the box as left, top, right, bottom in pixels."""

    photo: str
    sha256: str
    box: tuple[int, int, int, int]


def write_shards(
    data: DataFolder, cuts: Sequence[Cut], size: PrepareSettings, folder: Path
) -> Iterator[tuple[str, int]]:
    """Write the crops into shards in `folder`, in order; yields each crop's shard name and row.

    A shard is a ``.npy`` array, photos x height x width x 3, RGB, 0..255. Memory stays flat: crops go straight to the
    file, and no more of them than fill a shard are ever cut ahead.

    Raises:
        DataError: a photo cannot be read, or has changed since the catalog was made.
    """
    with ThreadPoolExecutor(data.threads) as pool, progress("Cutting crops", len(cuts)) as advance:
        for number, start in enumerate(range(0, len(cuts), SHARD_PHOTOS)):
            name = f"crops-{number:03}.npy"
            of_shard = cuts[start : start + SHARD_PHOTOS]
            shape = (len(of_shard), size.height, size.width, 3)
            shard = np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.uint8, shape=shape)
            for row, crop in enumerate(pool.map(lambda cut: cut_out(data, cut, size), of_shard)):
                shard[row] = crop
                advance(1)
                yield name, row
            shard.flush()


def cut_out(data: DataFolder, cut: Cut, size: PrepareSettings) -> Pixels:
    """One crop: height x width x 3, RGB. Raises DataError as `write_shards` does."""
    left, top, right, bottom = cut.box
    crop = read_photo(data, cut.photo, cut.sha256)[top:bottom, left:right]
    # Averaging areas keeps a shrunk face free of aliasing; it says nothing about pixels that have to be invented.
    smaller = size.height <= bottom - top and size.width <= right - left
    resized = cv2.resize(crop, (size.width, size.height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)
