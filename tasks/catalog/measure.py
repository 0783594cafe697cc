"""Looking at every photo once: its digest, its size and its colours."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2

from tasks.errors import DataError
from tasks.photos import decode_photo
from tasks.progress import track

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


def digest_photos(root: Path, photos: Sequence[str]) -> list[str | Unreadable]:
    """SHA-256 of every file, hex, in order; one that cannot be opened is `Unreadable`."""

    def digest(photo: str) -> str | Unreadable:
        try:
            with (root / photo).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return Unreadable(photo, str(error.strerror))

    return _for_each(digest, photos, "Fingerprinting the data")


def measure_photos(root: Path, photos: Sequence[str]) -> list[PhotoFacts | Unreadable]:
    """Decode every photo, in order; one that cannot be opened or decoded is `Unreadable`, never left out."""

    def measure(photo: str) -> PhotoFacts | Unreadable:
        try:
            return _measure((root / photo).read_bytes())
        except DataError as error:
            return Unreadable(photo, str(error))
        except OSError as error:
            return Unreadable(photo, str(error.strerror))

    return _for_each(measure, photos, "Reading the photos")


def _measure(content: bytes) -> PhotoFacts:
    pixels = decode_photo(content)
    height, width = pixels.shape[:2]
    mean, deviation = (moment.ravel() / 255 for moment in cv2.meanStdDev(pixels))
    red, green, blue = mean.tolist()
    red2, green2, blue2 = (mean**2 + deviation**2).tolist()
    return PhotoFacts(width, height, (red, green, blue), (red2, green2, blue2))


def _for_each(function: Callable[[str], Fact], photos: Sequence[str], description: str) -> list[Fact]:
    # Hashing and decoding release the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(track(pool.map(function, photos), description, len(photos)))
