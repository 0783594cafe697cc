"""Soft shapes on a photo: everything is blended in through a feathered mask, so that nothing looks cut out."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.sample.people import Colour

WIDTH, HEIGHT = 384, 512
Canvas = NDArray[np.uint8]
"""A photo being drawn: height x width x 3, RGB."""
Mask = NDArray[np.float32]
"""How much of a shape covers each pixel: height x width, 0..1."""
Point = tuple[float, float]
SUBPIXEL = 4
"""Binary digits of a coordinate's fraction that OpenCV's drawing keeps."""


def ellipse(centre: Point, axes: Point, *, angle: float = 0, feather: float = 1.0) -> Mask:
    """A filled ellipse; `feather` is the width of its soft edge, pixels."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    box = (centre, (2 * axes[0], 2 * axes[1]), angle)
    cv2.ellipse(mask, box, 255, cv2.FILLED, cv2.LINE_AA)
    return _feathered(mask, feather)


def polygon(points: Sequence[Point], *, feather: float = 1.0) -> Mask:
    """A filled polygon with a soft edge, pixels wide."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [_fixed(points)], 255, cv2.LINE_AA, SUBPIXEL)
    return _feathered(mask, feather)


def stroke(points: Sequence[Point], thickness: float, *, feather: float = 1.0) -> Mask:
    """A line through points with a soft edge, pixels wide."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(mask, [_fixed(points)], False, 255, max(1, round(thickness)), cv2.LINE_AA, SUBPIXEL)  # noqa: FBT003
    return _feathered(mask, feather)


def arc(start: Point, end: Point, bend: float, steps: int = 9) -> list[Point]:
    """Points from `start` to `end` on a curve that leaves the straight line by `bend` pixels downwards."""
    share = np.linspace(0, 1, steps)
    x = start[0] + (end[0] - start[0]) * share
    y = start[1] + (end[1] - start[1]) * share + 4 * bend * share * (1 - share)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def paint(canvas: Canvas, mask: Mask, colour: Colour, strength: float = 1.0) -> None:
    """Blend a colour in where the mask is."""
    rows, columns = extent(mask)
    part = canvas[rows, columns].astype(np.float32)
    part += mask[rows, columns, None] * np.float32(strength) * (np.array(colour, np.float32) - part)
    canvas[rows, columns] = part


def shade(canvas: Canvas, mask: Mask, factor: float) -> None:
    """Darken (`factor` below 1) or lighten what lies under the mask."""
    rows, columns = extent(mask)
    part = canvas[rows, columns] * (1 + mask[rows, columns, None] * np.float32(factor - 1))
    canvas[rows, columns] = np.minimum(part, 255)


def extent(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns that the mask touches."""
    x, y, width, height = cv2.boundingRect(np.asarray(mask > 0).view(np.uint8))
    return slice(y, y + height), slice(x, x + width)


def _fixed(points: Sequence[Point]) -> NDArray[np.int32]:
    return np.asarray(np.round(np.array(points) * 2**SUBPIXEL), np.int32)


def _feathered(mask: NDArray[np.uint8], feather: float) -> Mask:
    """Soften the edge: only the part of the photo that the shape covers is worked on, as most shapes are small."""
    soft = np.zeros((HEIGHT, WIDTH), np.float32)
    reach = int(3 * feather) + 1
    x, y, width, height = cv2.boundingRect(mask)
    rows = slice(max(0, y - reach), min(HEIGHT, y + height + reach))
    columns = slice(max(0, x - reach), min(WIDTH, x + width + reach))
    part = mask[rows, columns].astype(np.float32) / 255
    if feather > 0.5 and part.size:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), feather), np.float32)
    soft[rows, columns] = part
    return soft
