"""Looking at every photo once: its digest, its size, its colours, how sharp it is and what it is like."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import cv2
import imagehash
from PIL import Image

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.photos import Pixels, decode_photo
from tasks.progress import track
from tasks.store.manifest import FileEntry

Fact = TypeVar("Fact")


HASH_SIDE = 16
"""Side of a perceptual hash, bits: 256 in all. At 64, photos of unlike persons before the same wall come too close."""


class PhotoFacts(NamedTuple):
    """What a photo is, in the columns of the catalog that its bytes alone decide; their meaning is told there."""

    problem: str | None = None
    width: int = 0
    height: int = 0
    mean_r: float = 0.0
    mean_g: float = 0.0
    mean_b: float = 0.0
    square_r: float = 0.0
    square_g: float = 0.0
    square_b: float = 0.0
    sharpness: float = 0.0
    phash: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """A photo that cannot be read, and why."""

    photo: str
    reason: str


def digest_photos(data: DataFolder, photos: Sequence[str]) -> list[FileEntry | Unreadable]:
    """Digest and size of every file, in order; one that cannot be opened is `Unreadable`."""
    try:
        return list(_for_each(data.describe, photos, "Fingerprinting the data", data.threads))
    finally:
        data.remember()


def measure_photos(data: DataFolder, digests: Mapping[str, str]) -> Iterator[PhotoFacts | Unreadable]:
    """Decode every photo, in order, as they are asked for; one that cannot be read is `Unreadable`, never left out.

    Args:
        data: where they lie.
        digests: the photos, and of each the SHA-256, hex, that its bytes must have.
    """
    look = partial(_measure, data, digests)
    return _for_each(look, list(digests), "Reading the photos", data.threads)


def _measure(data: DataFolder, digests: Mapping[str, str], photo: str) -> PhotoFacts:
    content = data.read(photo)
    if hashlib.sha256(content).hexdigest() != digests[photo]:
        raise DataError("it changed while it was read: run again")
    try:
        return look_at(decode_photo(content))
    except DataError as error:
        return PhotoFacts(problem=str(error))


def look_at(pixels: Pixels) -> PhotoFacts:
    """What can be said of a photo that was decoded.

    Sharpness is the variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy
    (2000).
    """
    height, width = pixels.shape[:2]
    mean, deviation = (moment.ravel() / 255 for moment in cv2.meanStdDev(pixels))
    mean_r, mean_g, mean_b = mean.tolist()
    square_r, square_g, square_b = (mean**2 + deviation**2).tolist()
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    _, spread = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return PhotoFacts(
        width=width,
        height=height,
        mean_r=mean_r,
        mean_g=mean_g,
        mean_b=mean_b,
        square_r=square_r,
        square_g=square_g,
        square_b=square_b,
        sharpness=float(spread[0, 0]) ** 2,
        phash=str(imagehash.phash(Image.fromarray(grey), hash_size=HASH_SIDE)),
    )


def _for_each(
    look: Callable[[str], Fact], photos: Sequence[str], description: str, threads: int
) -> Iterator[Fact | Unreadable]:
    def attempt(photo: str) -> Fact | Unreadable:
        try:
            return look(photo)
        except DataError as error:
            return Unreadable(photo, str(error))

    # Hashing and decoding release the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(threads) as pool:
        yield from track(pool.map(attempt, photos), description, len(photos))
