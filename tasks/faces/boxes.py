"""From findings to boxes: padding, clipping, the undersize rule and the default box."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.faces.search import Finding
from tasks.faces.settings import FacesSettings, Size
from tasks.tables import BOX_SIDES, LANDMARKS


class Box(NamedTuple):
    """A box on a photo, pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top


DEFAULT_BOX = Box(80, 50, 300, 370)
"""Where a face usually is on a photo of REFERENCE_SIZE: the seed project's fallback."""
REFERENCE_SIZE = Size(height=512, width=384)


def default_box(width: int, height: int) -> Box:
    """The default box on a photo of that size, pixels: in proportion, where the photo is not of REFERENCE_SIZE."""
    x, y = width / REFERENCE_SIZE.width, height / REFERENCE_SIZE.height
    left, top, right, bottom = DEFAULT_BOX
    return clipped((left * x, top * y, right * x, bottom * y), width, height)


def centre_box(size: Size, width: int, height: int) -> Box:
    """A box of that size in the middle of a photo of `width` x `height` pixels, cut off at its sides."""
    left, top = (width - size.width) / 2, (height - size.height) / 2
    return clipped((left, top, left + size.width, top + size.height), width, height)


def clipped(box: tuple[float, float, float, float], width: int, height: int) -> Box:
    """The box in whole pixels, inside a photo of that size and at least one pixel large."""
    left, top, right, bottom = (round(side) for side in box)
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return Box(left, top, max(min(right, width), left + 1), max(min(bottom, height), top + 1))


class SmallestBox(NamedTuple):
    """The undersize rule: a box below both is too small to be believed."""

    width: float
    height: float

    def refuses(self, box: Box) -> bool:
        """Whether the box is undersized."""
        return box.width < self.width and box.height < self.height


def smallest_box(boxes: Sequence[Box]) -> SmallestBox:
    """The rule of the seed project: mean - 1.96 standard deviations (the lower 2.5 % of a normal distribution)."""
    if not boxes:
        return SmallestBox(0.0, 0.0)
    sizes = np.array([(box.width, box.height) for box in boxes], np.float64)
    width, height = sizes.mean(axis=0) - 1.96 * sizes.std(axis=0)
    return SmallestBox(float(width), float(height))


def boxes_of_faces(
    photos: Sequence[str], findings: Sequence[Finding], training: Sequence[bool], settings: FacesSettings
) -> tuple[pd.DataFrame, SmallestBox]:
    """Table of boxes around the faces found, and the undersize rule, fitted on the `training` photos alone."""
    padded = [_padded(finding, settings) for finding in findings]
    smallest = smallest_box([box for box, counts in zip(padded, training, strict=True) if box and counts])
    rows = [_row(photo, finding, box, smallest) for photo, finding, box in zip(photos, findings, padded, strict=True)]
    return pd.DataFrame(rows), smallest


def boxes_of_centres(photos: Sequence[str], sizes: Sequence[tuple[int, int]], size: Size) -> pd.DataFrame:
    """Table of boxes in the middle of photos of the given widths and heights."""
    rows = [
        {"photo": photo, **centre_box(size, width, height)._asdict(), "source": "centre", "undersized": False}
        for photo, (width, height) in zip(photos, sizes, strict=True)
    ]
    return pd.DataFrame(rows).assign(score=None, faces=None, **dict.fromkeys(_LANDMARK_COLUMNS))


_LANDMARK_COLUMNS = [f"{mark}_{axis}" for mark in LANDMARKS for axis in "xy"]


def _padded(finding: Finding, settings: FacesSettings) -> Box | None:
    if finding.face is None:
        return None
    left, top, right, bottom = finding.face.box
    x, y = settings.padding_x, settings.padding_y
    return clipped((left - x, top - y, right + x, bottom + y), finding.width, finding.height)


def _row(photo: str, finding: Finding, box: Box | None, smallest: SmallestBox) -> dict[str, object]:
    undersized = box is not None and smallest.refuses(box)
    if box is None or undersized:
        box = default_box(finding.width, finding.height)
    marks: Sequence[float | None] = (
        finding.face.landmarks.ravel().tolist() if finding.face else [None] * len(_LANDMARK_COLUMNS)
    )
    return {
        "photo": photo,
        **dict(zip(BOX_SIDES, box, strict=True)),
        "source": "default" if undersized or finding.detector is None else finding.detector,
        "undersized": undersized,
        "score": finding.face.score if finding.face else None,
        "faces": finding.faces,
        **dict(zip(_LANDMARK_COLUMNS, marks, strict=True)),
    }
