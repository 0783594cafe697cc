"""Small pictures of photos, as data URIs: a page carries them with it."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from tasks.photos import Pixels

SIDE = 240
"""Most pixels of a thumbnail's longer side."""
QUALITY = 72
"""JPEG quality: with SIDE about 6 kB a thumbnail."""
BOX_COLOUR, POINT_COLOUR = "#ffd60a", "#ff3b30"
BOX_LINE = 2
"""Pixels of a box's line on the thumbnail."""


def encode_thumbnail(pixels: Pixels, side: int = SIDE) -> str:
    """A ``data:`` URI with `pixels` as a JPEG whose longer side has at most `side` pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def with_box(pixels: Pixels, box: Sequence[float], side: int = SIDE, colour: str = BOX_COLOUR) -> Pixels:
    """A photo with a box on it, to be made a thumbnail of at most `side` pixels.

    Args:
        pixels: the photo.
        box: left, top, right and bottom, pixels of the photo; right and bottom are exclusive.
        side: pixels of the longer side of the thumbnail, on which the line will be BOX_LINE pixels thick.
        colour: as CSS writes it.
    """
    image = Image.fromarray(pixels)
    left, top, right, bottom = box
    line = max(1, round(BOX_LINE * max(image.size) / side))
    ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), outline=colour, width=line)
    return np.asarray(image)


def with_points(pixels: Pixels, points: Sequence[tuple[float, float]], side: int = SIDE) -> Pixels:
    """A photo with dots at x and y of each of the `points`, pixels of the photo; else as `with_box`."""
    image = Image.fromarray(pixels)
    radius = BOX_LINE * max(image.size) / side
    draw = ImageDraw.Draw(image)
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=POINT_COLOUR)
    return np.asarray(image)
