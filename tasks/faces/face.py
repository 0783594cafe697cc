"""A found face, whoever found it: one order of landmarks, one rule for which of several faces counts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.photos import Pixels


@dataclass(frozen=True)
class Face:
    """A face on a photo, in pixels of that photo.

    Attributes:
        box: left, top, right and bottom.
        score: the detector's confidence, 0..1.
        landmarks: shape (5, 2), x and y in the order of `tasks.tables.LANDMARKS`; left is left in the photo.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64]

    def scaled(self, x: float, y: float) -> "Face":
        """The same face on a photo that is `x` times as wide and `y` times as high."""
        left, top, right, bottom = self.box
        return Face((left * x, top * y, right * x, bottom * y), self.score, self.landmarks * (x, y))


class Detector(Protocol):
    """Something that finds faces. Several threads may ask it at once."""

    longest_sides: tuple[int, ...]
    """Pixels. Photos are shrunk until no side is longer than the first; where nothing is found, than the next."""

    def __call__(self, pixels: Pixels) -> list[Face]:
        """Every face on a photo, in any order."""


def main_face(faces: list[Face], width: int, height: int) -> Face:
    """The face that a photo of one person is about: large, and near the centre.

    Source: `center_weighted_size` of facenet-pytorch, the area less twice the squared distance from the centre.
    """

    def weight(face: Face) -> float:
        left, top, right, bottom = face.box
        distance = ((left + right - width) / 2) ** 2 + ((top + bottom - height) / 2) ** 2
        return (right - left) * (bottom - top) - 2 * distance

    return max(faces, key=weight)
