"""Drawing a mask on a face: over nose and mouth, or worn wrongly."""

from dataclasses import dataclass

import numpy as np

from tasks.sample.canvas import Canvas, Point, arc, ellipse, paint, polygon, shade, stroke
from tasks.sample.face import CENTRE
from tasks.sample.people import Colour, Looks

COLOURS: tuple[Colour, ...] = ((118, 176, 214), (236, 238, 240), (128, 190, 170), (38, 40, 44), (214, 150, 170))
"""Surgical blue, white, green, black and rose."""
TOP, BOTTOM = 246.0, 342.0
"""Upper and lower edge of a mask worn well: from the bridge of the nose to below the chin."""


@dataclass(frozen=True)
class MaskStyle:
    """How a mask looks and sits.

    Attributes:
        colour: its colour.
        pleats: number of folds; 0 is a smooth cup.
        drop: pixels that it has slid down: 0 covers nose and mouth, from 30 on the nose shows, from 60 on the mouth.
    """

    colour: Colour
    pleats: int
    drop: float


def choose_mask(state: str, random: np.random.Generator) -> MaskStyle:
    """A mask worn as `state` says (`mask` or `incorrect`)."""
    colour = COLOURS[random.integers(len(COLOURS))]
    drop = random.uniform(-4, 6) if state == "mask" else random.uniform(32, 66)
    return MaskStyle(colour, int(random.integers(0, 4)), float(drop))


def draw_mask(canvas: Canvas, looks: Looks, style: MaskStyle) -> None:
    """Put the mask on the face that `canvas` shows, with its straps, pleats and shading."""
    x, width = CENTRE[0], looks.face_width
    top, bottom = TOP + style.drop, min(BOTTOM + style.drop * 0.45, 376)
    for side in (-1, 1):
        ear: Point = (x + side * (width + 1), CENTRE[1] - 8)
        for y in (top + 8, bottom - 20):
            paint(canvas, stroke([(x + side * (width - 6), y), ear], 2, feather=0.8), (240, 240, 240), 0.8)
    outline = [
        *arc((x - width + 3, top + 6), (x, top - 8), -3),
        *arc((x, top - 8), (x + width - 3, top + 6), -3),
        *arc((x + width - 4, bottom - 26), (x, bottom), 9),
        *arc((x, bottom), (x - width + 4, bottom - 26), 9),
    ]
    cover = polygon(outline, feather=1.2)
    shade(canvas, np.roll(cover, 5, axis=0) * (1 - cover), 0.75)
    paint(canvas, cover, style.colour)
    # A mask bends around the face: bright in the middle, dark towards the ears, darkest under the chin.
    shade(
        canvas,
        (1 - ellipse((x, (top + bottom) / 2 - 8), (width * 0.55, (bottom - top) * 0.5), feather=22)) * cover,
        0.7,
    )
    for number in range(style.pleats):
        y = top + (bottom - top) * (number + 1.2) / (style.pleats + 1.6)
        pleat = stroke(arc((x - width + 8, y), (x + width - 8, y), 7), 2, feather=1.2) * cover
        shade(canvas, pleat, 0.8)
    edge = stroke(
        [*arc((x - width + 5, top + 7), (x, top - 7), -3), *arc((x, top - 7), (x + width - 5, top + 7), -3)], 2
    )
    shade(canvas, edge * cover, 1.15)
