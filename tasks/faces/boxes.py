"""From findings to boxes: padding, clipping, the undersize rule and the default box. Many boxes at once."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tasks.faces.settings import FacesSettings, Size
from tasks.tables import BOX_SIDES, FACE_COLUMNS, FACE_SIDES

_FOUND = [column.name for column in FACE_COLUMNS]

Boxes = NDArray[np.int64]
"""Left, top, right and bottom of boxes on photos, shape (photos, 4), pixels; right and bottom are exclusive."""
Sizes = NDArray[np.int64]
"""Width and height of photos, shape (photos, 2), pixels."""

DEFAULT_BOX = (80, 50, 300, 370)
"""Where a face usually is on a photo of REFERENCE_SIZE: the seed project's fallback."""
REFERENCE_SIZE = Size(height=512, width=384)


def default_boxes(sizes: Sizes) -> Boxes:
    """The default box on photos of those sizes: in proportion, where a photo is not of REFERENCE_SIZE."""
    scale = sizes / (REFERENCE_SIZE.width, REFERENCE_SIZE.height)
    return clipped(DEFAULT_BOX * np.hstack([scale, scale]), sizes)


def centre_boxes(size: Size, sizes: Sizes) -> Boxes:
    """A box of one size in the middle of photos of those `sizes`, cut off at their sides."""
    box = np.array([size.width, size.height])
    first = (sizes - box) // 2
    return clipped(np.hstack([first, first + box]), sizes)


def clipped(boxes: ArrayLike, sizes: Sizes) -> Boxes:
    """The boxes in whole pixels, inside photos of those sizes and at least one pixel large."""
    whole = np.rint(boxes).astype(np.int64)
    first = np.clip(whole[:, :2], 0, sizes - 1)
    return np.hstack([first, np.maximum(np.minimum(whole[:, 2:], sizes), first + 1)])


class SmallestBox(NamedTuple):
    """The undersize rule: a box below both is too small to be believed."""

    width: float
    height: float

    def refuses(self, boxes: Boxes) -> NDArray[np.bool_]:
        """Which boxes are undersized."""
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        return np.logical_and(width < self.width, height < self.height)


def smallest_box(boxes: Boxes) -> SmallestBox:
    """The rule of the seed project: mean - 1.96 standard deviations (the lower 2.5 % of a normal distribution)."""
    if not len(boxes):
        return SmallestBox(0.0, 0.0)
    sizes = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    width, height = sizes.mean(axis=0) - 1.96 * sizes.std(axis=0)
    return SmallestBox(float(width), float(height))


def boxes_of_faces(
    photos: pd.DataFrame, findings: pd.DataFrame, settings: FacesSettings
) -> tuple[pd.DataFrame, SmallestBox]:
    """Table of boxes around the faces found, and the undersize rule, fitted on the training photos alone.

    Args:
        photos: rows of the catalog.
        findings: what was found on each of them, in their order.
        settings: how much is added around a face.
    """
    sizes = _sizes(photos)
    seen = findings["detector"].notna().to_numpy()
    boxes = default_boxes(sizes)
    padding = np.array([settings.padding_x, settings.padding_y])
    faces = findings.loc[seen, list(FACE_SIDES)].to_numpy(np.float64)
    padded = clipped(faces + np.hstack([-padding, padding]), sizes[seen])
    smallest = smallest_box(padded[(photos["split"] == "train").to_numpy()[seen]])
    refused = smallest.refuses(padded)
    boxes[seen] = np.where(refused[:, None], boxes[seen], padded)
    undersized = np.zeros(len(photos), bool)
    undersized[seen] = refused
    source = findings["detector"].where(~undersized).fillna("default")
    return _table(photos, boxes, findings).assign(source=source, undersized=undersized), smallest


def boxes_of_centres(photos: pd.DataFrame, size: Size) -> pd.DataFrame:
    """Table of boxes in the middle of the photos of a catalog, where nobody searched."""
    nothing = pd.DataFrame(index=range(len(photos)), columns=_FOUND)
    table = _table(photos, centre_boxes(size, _sizes(photos)), nothing)
    return table.assign(source="centre", undersized=False)


def _sizes(photos: pd.DataFrame) -> Sizes:
    return photos[["width", "height"]].to_numpy(np.int64)


def _table(photos: pd.DataFrame, boxes: Boxes, findings: pd.DataFrame) -> pd.DataFrame:
    sides = pd.DataFrame(boxes, columns=BOX_SIDES)
    return pd.concat([photos["photo"].reset_index(drop=True), sides, findings[_FOUND].reset_index(drop=True)], axis=1)
