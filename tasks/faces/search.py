"""Searching all photos, a process a core."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.faces.detectors import load_detector
from tasks.faces.face import Detector, Face, main_face
from tasks.faces.settings import DetectorName
from tasks.photos import read_photo
from tasks.progress import Advance, progress

CHUNK = 16
"""Photos that a process searches at a time."""


@dataclass(frozen=True)
class Finding:
    """What the search of a photo gave; `face` and `detector` are None if no detector found a face.

    Attributes:
        width: of the photo, pixels.
        height: of the photo, pixels.
        face: the face that counts.
        detector: who found it.
        faces: number of faces that the detector found.
    """

    width: int
    height: int
    face: Face | None = None
    detector: DetectorName | None = None
    faces: int = 0


@dataclass(frozen=True)
class PhotoToSearch:
    """A photo, and the digest that its bytes must have."""

    photo: str
    sha256: str


def search_photos(
    data: DataFolder, photos: Sequence[PhotoToSearch], detectors: Sequence[DetectorName]
) -> list[Finding]:
    """Ask the `detectors`, one after the other, for the face on every photo; the findings are in order.

    Raises:
        DataError: a photo cannot be read, or is not the one in the catalog.
    """
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    # Threads would wait for each other (MTCNN is Python between small networks), and forking a process
    # whose torch threads have started can hang.
    with (
        progress("Finding faces", len(photos)) as advance,
        ProcessPoolExecutor(
            min(os.cpu_count() or 1, len(chunks)), get_context("spawn"), _start_worker, (data, tuple(detectors))
        ) as pool,
    ):
        return list(_collect(pool.map(_search_chunk, chunks), advance))


def _collect(chunks: Iterator[list[Finding]], advance: Advance) -> Iterator[Finding]:
    for chunk in chunks:
        advance(len(chunk))
        yield from chunk


_data: DataFolder
_detectors: dict[DetectorName, Detector]


def _start_worker(data: DataFolder, detectors: tuple[DetectorName, ...]) -> None:
    """Load the networks, once a process."""
    global _data, _detectors
    import torch

    torch.set_num_threads(1)
    _data, _detectors = data, {name: load_detector(name) for name in detectors}


def _search_chunk(photos: Sequence[PhotoToSearch]) -> list[Finding]:
    return [search_photo(_data, photo, _detectors) for photo in photos]


def search_photo(data: DataFolder, photo: PhotoToSearch, detectors: dict[DetectorName, Detector]) -> Finding:
    """Ask the detectors for the face on one photo. Raises DataError as `search_photos` does."""
    pixels = read_photo(data, photo.photo, photo.sha256)
    height, width = pixels.shape[:2]
    for name, detect in detectors.items():
        try:
            faces = detect(pixels)
        except (RuntimeError, ValueError) as error:
            raise DataError(f"{name} failed on {photo.photo} ({width}x{height}): {error}") from error
        if faces:
            return Finding(width, height, main_face(faces, width, height), name, len(faces))
    return Finding(width, height)
