"""Searching photos for faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from tasks.data_folder import DataFolder
from tasks.errors import DataError
from tasks.faces.detectors import load_detector
from tasks.faces.face import Detector, Face, main_face
from tasks.faces.settings import DetectorName
from tasks.photos import read_photo
from tasks.tables import FACE_SIDES, FINDINGS, MARK_COLUMNS

Chunk = pd.DataFrame
"""Photos that are searched together: rows of a catalog, of which the columns of PhotoToSearch are looked at."""


class PhotoToSearch(NamedTuple):
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


def search_photos(data: DataFolder, photos: Chunk, detectors: Sequence[DetectorName]) -> Searched:
    """Ask the `detectors`, one after the other, for the face on every photo, until one finds it."""
    rows, unreadable = list[dict[str, object]](), list[str]()
    for photo in map(PhotoToSearch._make, photos[list(PhotoToSearch._fields)].itertuples(index=False, name=None)):
        try:
            rows.append(_search(data, photo, detectors))
        except DataError as error:
            unreadable.append(str(error))
    return Searched(FINDINGS.conform(pd.DataFrame(rows, columns=FINDINGS.column_names)), tuple(unreadable))


def _search(data: DataFolder, photo: PhotoToSearch, detectors: Sequence[DetectorName]) -> dict[str, object]:
    for name in detectors:
        detector = load_detector(name)  # when it is wanted: it takes seconds
        for longest_side in detector.longest_sides:
            if faces := _ask(detector, name, data, photo, longest_side):
                return {"detector": name, **_row(photo, main_face(faces, photo.width, photo.height), len(faces))}
            if max(photo.width, photo.height) <= longest_side:
                break  # it has seen all that there is
    return _row(photo)


def _ask(
    detector: Detector, name: DetectorName, data: DataFolder, photo: PhotoToSearch, longest_side: int
) -> list[Face]:
    """The faces that a detector finds on a photo that is shrunk, in pixels of the photo as it is."""
    pixels = read_photo(data, photo.photo, photo.sha256, longest_side)
    height, width = pixels.shape[:2]
    try:
        faces = detector(pixels)
    except Exception as error:
        error.add_note(f"{name} searched {photo.photo}, {photo.width}x{photo.height}, as {width}x{height}.")
        raise
    return [face.scaled(photo.width / width, photo.height / height) for face in faces]


def _row(photo: PhotoToSearch, face: Face | None = None, faces: int = 0) -> dict[str, object]:
    row: dict[str, object] = {"sha256": photo.sha256, "faces": faces}
    if face is None:
        return row
    sides = zip(FACE_SIDES, face.box, strict=True)
    marks = zip(MARK_COLUMNS, face.landmarks.ravel().tolist(), strict=True)
    return {**row, "score": face.score, **dict(sides), **dict(marks)}
