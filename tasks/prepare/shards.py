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
USUAL_EYES = (0.32, 0.41)
"""Where the left eye lies in a padded box, as shares of its width and height; the right one mirrors it. From the mean
landmarks and the mean box of the competition's photos: eyes at (156, 225) and (229, 223), box 183 x 249 around
(189, 246)."""
NARROWEST = 0.15
"""Share of a box's width by which eyes must lie apart to tell how large a face is: in a profile they do not."""


@dataclass(frozen=True)
class Cut:
    """What to cut out of which photo.

    Attributes:
        photo: its name.
        sha256: digest of its bytes.
        box: left, top, right and bottom, pixels.
        eyes: x and y of the left and of the right eye, pixels, as seen in the photo; None if nobody has found them.
    """

    photo: str
    sha256: str
    box: tuple[int, int, int, int]
    eyes: tuple[float, float, float, float] | None = None


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
    photo = read_photo(data, cut.photo, cut.sha256)
    return turn_level(photo, eyes_of(cut), size) if size.frame == "eyes" else resize_box(photo, cut.box, size)


def resize_box(photo: Pixels, box: tuple[int, int, int, int], size: PrepareSettings) -> Pixels:
    """The box of a photo, height x width x 3, at the asked size."""
    left, top, right, bottom = box
    crop = photo[top:bottom, left:right]
    # Averaging areas keeps a shrunk face free of aliasing; it says nothing about pixels that have to be invented.
    smaller = size.height <= bottom - top and size.width <= right - left
    resized = cv2.resize(crop, (size.width, size.height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def eyes_of(cut: Cut) -> tuple[float, float, float, float]:
    """Where the eyes are: those that were found, unless nearly one behind the other, or else where a box has them."""
    left, top, right, bottom = cut.box
    if cut.eyes and cut.eyes[2] - cut.eyes[0] > NARROWEST * (right - left):
        return cut.eyes
    height = top + USUAL_EYES[1] * (bottom - top)
    left_eye, right_eye = (left + share * (right - left) for share in (USUAL_EYES[0], 1 - USUAL_EYES[0]))
    return left_eye, height, right_eye, height


def turn_level(photo: Pixels, eyes: tuple[float, float, float, float], size: PrepareSettings) -> Pixels:
    """The part of a photo around the eyes, turned and scaled so that they lie where `size` says.

    What lies outside of the photo is filled with its mirror image.
    """
    middle, height = size.width / 2, size.eyes_height * size.height
    reach = size.eyes_apart * size.width / 2
    source = complex(*eyes[:2]), complex(*eyes[2:])
    target = complex(middle - reach, height), complex(middle + reach, height)
    # A turn with a scale is a multiplication of complex numbers.
    turn = (target[1] - target[0]) / (source[1] - source[0])
    shift = target[0] - turn * source[0]
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    # A photo that shrinks is warped to a multiple of the size and then averaged: warping alone would skip pixels.
    finer = max(1, round(1 / abs(turn)))
    warped = cv2.warpAffine(
        photo,
        matrix * finer,
        (size.width * finer, size.height * finer),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(cv2.resize(warped, (size.width, size.height), interpolation=cv2.INTER_AREA), np.uint8)
