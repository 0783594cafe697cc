"""Looking at every photo once: its digest, its size and its colours."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import cv2

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.photos import decode_photo
from tasks.progress import track
from tasks.store.manifest import FileEntry

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class PhotoFacts:
    """What the pixels of a photo say."""

    width: int
    height: int
    mean: tuple[float, float, float]
    """Of the red, green and blue channel, 0..1."""
    square: tuple[float, float, float]
    """Mean of the squared channel, 0..1: with `mean` it gives the standard deviation of any set of photos."""


@dataclass(frozen=True)
class Unreadable:
    """A photo that cannot be opened or decoded, and why."""

    photo: str
    reason: str


def digest_photos(data: DataFolder, photos: Sequence[str]) -> list[FileEntry | Unreadable]:
    """Digest and size of every file, in order; one that cannot be opened is `Unreadable`."""
    try:
        return _for_each(data.describe, photos, "Fingerprinting the data", data.threads)
    finally:
        data.remember()


def measure_photos(data: DataFolder, digests: Mapping[str, str | None]) -> list[PhotoFacts | Unreadable]:
    """Decode every photo, in order; one that cannot be opened or decoded is `Unreadable`, never left out.

    Args:
        data: where they lie.
        digests: the photos, and of each the SHA-256, hex, that its bytes must have; None if that is not known.
    """
    look = partial(_measure, data, digests)
    return _for_each(look, list(digests), "Reading the photos", data.threads)


def _measure(data: DataFolder, digests: Mapping[str, str | None], photo: str) -> PhotoFacts:
    content, digest = data.read(photo), digests[photo]
    if digest and hashlib.sha256(content).hexdigest() != digest:
        raise DataError("it changed while it was read: run again")
    pixels = decode_photo(content)
    height, width = pixels.shape[:2]
    mean, deviation = (moment.ravel() / 255 for moment in cv2.meanStdDev(pixels))
    red, green, blue = mean.tolist()
    red2, green2, blue2 = (mean**2 + deviation**2).tolist()
    return PhotoFacts(width, height, (red, green, blue), (red2, green2, blue2))


def _for_each(
    look: Callable[[str], Fact], photos: Sequence[str], description: str, threads: int
) -> list[Fact | Unreadable]:
    def attempt(photo: str) -> Fact | Unreadable:
        try:
            return look(photo)
        except DataError as error:
            return Unreadable(photo, str(error))

    # Hashing and decoding release the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(threads) as pool:
        return list(track(pool.map(attempt, photos), description, len(photos)))
