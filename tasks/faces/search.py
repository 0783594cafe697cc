"""Searching photos for faces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.faces.detectors import load_detector
from tasks.faces.face import Detector, Face, main_face
from tasks.faces.settings import DetectorName
from tasks.photos import Pixels, read_photo
from tasks.tables import FACE_SIDES, FINDINGS, MARK_COLUMNS


@dataclass(frozen=True)
class PhotoToSearch:
    """A photo, the digest that its bytes must have, and its size in pixels."""

    photo: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Searched:
    """What the search of some photos gave.

    Attributes:
        findings: rows of the table FINDINGS, one for each photo that could be read, in their order.
        unreadable: why each of the others could not be.
    """

    findings: pd.DataFrame
    unreadable: tuple[str, ...] = ()


def search_photos(data: DataFolder, photos: Sequence[PhotoToSearch], detectors: Sequence[DetectorName]) -> Searched:
    """Ask the `detectors`, one after the other, for the face on every photo, until one finds it."""
    found: dict[str, dict[str, object]] = {}
    unreadable: dict[str, str] = {}
    for name in detectors:
        waiting = [photo for photo in photos if photo.sha256 not in found and photo.photo not in unreadable]
        if not waiting:
            break  # loading the next detector takes seconds
        detector = load_detector(name)
        for first in range(0, len(waiting), detector.batch):
            batch = _read(data, waiting[first : first + detector.batch], detector.longest_side, unreadable)
            for photo, faces in _search(detector, name, batch):
                if faces:
                    main = main_face(faces, photo.width, photo.height)
                    found[photo.sha256] = _row(photo, main, len(faces)) | {"detector": name}
    rows = [found.get(photo.sha256) or _row(photo) for photo in photos if photo.photo not in unreadable]
    return Searched(FINDINGS.conform(pd.DataFrame(rows, columns=FINDINGS.column_names)), tuple(unreadable.values()))


def _read(
    data: DataFolder, photos: Sequence[PhotoToSearch], longest_side: int, unreadable: dict[str, str]
) -> list[tuple[PhotoToSearch, Pixels]]:
    """The pixels of those photos that can be read; the others are added to `unreadable`."""
    read = []
    for photo in photos:
        try:
            read.append((photo, read_photo(data, photo.photo, photo.sha256, longest_side)))
        except DataError as error:
            unreadable[photo.photo] = str(error)
    return read


def _search(
    detector: Detector, name: DetectorName, photos: Sequence[tuple[PhotoToSearch, Pixels]]
) -> Iterator[tuple[PhotoToSearch, list[Face]]]:
    """Every face on each photo, in pixels of the photo as it is; photos of one size are searched together."""
    by_size: dict[tuple[int, ...], list[tuple[PhotoToSearch, Pixels]]] = {}
    for photo, pixels in photos:
        by_size.setdefault(pixels.shape, []).append((photo, pixels))
    for (height, width, _), alike in by_size.items():
        try:
            found = detector(np.stack([pixels for _, pixels in alike]))
        except Exception as error:
            error.add_note(f"{name} searched {len(alike)} photos of {width}x{height}, such as {alike[0][0].photo}.")
            raise
        for (photo, _), faces in zip(alike, found, strict=True):
            yield photo, [face.scaled(photo.width / width, photo.height / height) for face in faces]


def _row(photo: PhotoToSearch, face: Face | None = None, faces: int = 0) -> dict[str, object]:
    row: dict[str, object] = {"sha256": photo.sha256, "faces": faces}
    if face is None:
        return row
    sides = zip(FACE_SIDES, face.box, strict=True)
    marks = zip(MARK_COLUMNS, face.landmarks.ravel().tolist(), strict=True)
    return {**row, "score": face.score, **dict(sides), **dict(marks)}
