"""Drawing a person's face, from the background to the glasses. Lengths are in pixels of a 384 x 512 photo.

The geometry is that of the competition's photos: eyes at (156,225) and (229,223), nose at (193,268), mouth at y 302.
"""

import cv2
import numpy as np

from tasks.sample.canvas import HEIGHT, WIDTH, Canvas, Mask, Point, arc, ellipse, extent, paint, polygon, shade, stroke
from tasks.sample.people import Colour, Looks

CENTRE = (192.0, 245.0)
"""Middle of the head."""
EYES = ((156.0, 225.0), (229.0, 225.0))
NOSE = (192.5, 268.0)
MOUTH = (192.5, 302.0)
DARK: Colour = (38, 26, 24)


def draw_face(looks: Looks, light: Point, random: np.random.Generator) -> Canvas:
    """A person without a mask, lit from the direction `light` (x to the right, y down, each -1..1)."""
    canvas = _background(looks, random)
    head = head_mask(looks)
    _hair_behind(canvas, looks)
    _body(canvas, looks)
    _skin(canvas, looks, head, light)
    _wrinkles(canvas, looks, head)
    _eyes(canvas, looks)
    _nose(canvas, light)
    _mouth(canvas, looks)
    if looks.stubble:
        _stubble(canvas, looks, head, random)
    _hair_in_front(canvas, looks)
    if looks.glasses:
        _glasses(canvas)
    return canvas


def head_mask(looks: Looks) -> Mask:
    """The head: an oval whose lower half is the squarer the stronger the jaw."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    power = np.where(np.sin(angles) > 0, 1 - 0.28 * looks.jaw, 1.0)
    x = CENTRE[0] + looks.face_width * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** power
    y = CENTRE[1] + looks.face_height * np.sin(angles)
    return polygon(list(zip(x.tolist(), y.tolist(), strict=True)), feather=1.5)


def _background(looks: Looks, random: np.random.Generator) -> Canvas:
    top, bottom = (np.array(colour, np.float32) for colour in looks.background)
    share = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    # Large, blurred stains, mostly of light, a little of colour: a wall, foliage, a street out of focus.
    stains = (random.normal(0, 22, (8, 6, 1)) + random.normal(0, 8, (8, 6, 3))).astype(np.float32)
    smooth = cv2.resize(stains, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(top + (bottom - top) * share + smooth, 0, 255).astype(np.uint8)


def _hair_behind(canvas: Canvas, looks: Looks) -> None:
    x, y = CENTRE
    width = looks.face_width + 13
    paint(canvas, ellipse((x, y - 28), (width, looks.face_height + 4), feather=3), looks.hair)
    if looks.long_hair:
        sides = [(x - width, y - 20), (x - width - 8, 400), (x + width + 8, 400), (x + width, y - 20)]
        paint(canvas, polygon(sides, feather=4), looks.hair)


def _body(canvas: Canvas, looks: Looks) -> None:
    x = CENTRE[0]
    neck = looks.face_width * (0.56 + 0.16 * looks.jaw)
    paint(
        canvas,
        polygon([(x - neck, 290), (x + neck, 290), (x + neck + 8, 420), (x - neck - 8, 420)], feather=2),
        looks.skin,
    )
    shade(canvas, ellipse((x, 355), (neck + 6, 26), feather=10), 0.72)
    breadth = 150 + 30 * looks.jaw
    shoulders = ellipse((x, 520), (breadth, 130), feather=2)
    shoulders *= 1 - ellipse((x, 385), (neck + 4, 34), feather=2)
    paint(canvas, shoulders, looks.clothes)
    shade(canvas, ellipse((x, 400), (neck + 26, 30), feather=12) * shoulders, 0.8)


def _skin(canvas: Canvas, looks: Looks, head: Mask, light: Point) -> None:
    """Skin, shaded like an ellipsoid in one directed light and some from all around (Lambert's law)."""
    for side in (-1, 1):
        ear = (CENTRE[0] + side * (looks.face_width + 2), CENTRE[1] - 2)
        paint(canvas, ellipse(ear, (10, 21), feather=1.5), looks.skin, 0.95)
        shade(canvas, ellipse(ear, (5, 12), feather=3), 0.78)
    rows, columns = extent(head)
    y, x = np.mgrid[rows, columns].astype(np.float32)
    nx, ny = (x - CENTRE[0]) / (looks.face_width * 1.12), (y - CENTRE[1]) / (looks.face_height * 1.12)
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.02, 1))
    lit = 0.58 + 0.42 * np.clip(nx * light[0] + ny * light[1] + nz * 0.85, 0, 1.15)
    colour = np.minimum(np.array(looks.skin, np.float32) * lit[..., None], 255)
    part = canvas[rows, columns]
    canvas[rows, columns] = part + head[rows, columns, None] * (colour - part)
    for side in (-1, 1):
        cheek = ellipse((CENTRE[0] + side * 42, 272), (20, 15), feather=10)
        paint(canvas, cheek, (214, 120, 104), 0.12 if looks.jaw > 0.5 else 0.22)


def _wrinkles(canvas: Canvas, looks: Looks, head: Mask) -> None:
    depth = looks.wrinkles
    if depth < 0.05:
        return
    dark = 1 - 0.38 * depth
    x = CENTRE[0]
    for number in range(3):
        line = arc((x - 44, 174 + 11 * number), (x + 44, 174 + 11 * number), -4)
        shade(canvas, stroke(line, 2, feather=1.3) * head, dark)
    for (eye_x, eye_y), side in zip(EYES, (-1, 1), strict=True):
        shade(canvas, ellipse((eye_x, eye_y + 17), (16, 7), feather=4), 1 - 0.3 * depth)
        shade(canvas, stroke(arc((eye_x - 15, eye_y + 19), (eye_x + 15, eye_y + 19), 5), 2, feather=1.2), dark)
        for bend in (-7, 0, 7):
            start = (eye_x + side * 21, eye_y + bend * 0.4)
            shade(canvas, stroke([start, (start[0] + side * 15, eye_y + bend * 1.5)], 1, feather=0.9) * head, dark)
        fold = arc((x + side * 22, 268), (x + side * 38, 312), 0)
        shade(canvas, stroke(fold, 3, feather=1.8), dark)
        shade(canvas, stroke([(x + side * 36, 316), (x + side * 34, 334)], 2, feather=1.8), dark)
        shade(canvas, ellipse((x + side * 56, 292), (12, 26), feather=8) * head, 1 - 0.2 * depth)


def _eyes(canvas: Canvas, looks: Looks) -> None:
    for (x, y), side in zip(EYES, (-1, 1), strict=True):
        width, height = looks.eye, looks.eye * 0.5
        shade(canvas, ellipse((x, y - 3), (width + 9, height + 10), feather=6), 0.82)
        white = ellipse((x, y), (width, height), feather=0.8)
        paint(canvas, white, (240, 236, 232))
        paint(canvas, ellipse((x, y - 0.5), (height + 0.8, height + 0.8), feather=0.8) * white, (70, 44, 30))
        paint(canvas, ellipse((x, y - 0.5), (3.6, 3.6), feather=0.7) * white, (10, 8, 8))
        paint(canvas, ellipse((x - 2.2, y - 3), (1.5, 1.5), feather=0.6), (255, 255, 255), 0.9)
        lash = 3 if looks.jaw < 0.5 else 2
        paint(canvas, stroke(arc((x - width, y), (x + width, y), -height - 1), lash, feather=0.8), DARK, 0.9)
        shade(canvas, stroke(arc((x - width + 2, y), (x + width - 2, y), height + 1), 1, feather=0.8), 0.7)
        inner, outer = (x - side * width, y - 20), (x + side * (width + 7), y - 20)
        brow = stroke(arc(inner, outer, -5), looks.brow, feather=1.4)
        paint(canvas, brow, looks.hair, 0.9)


def _nose(canvas: Canvas, light: Point) -> None:
    x, y = NOSE
    side = 1 if light[0] < 0 else -1
    bridge = polygon([(x + side * 3, 226), (x + side * 14, y), (x + side * 4, y + 3)], feather=4)
    shade(canvas, bridge, 0.82)
    shade(canvas, polygon([(x - 3, 226), (x - 4, y - 6), (x + 4, y - 6), (x + 3, 226)], feather=3), 1.09)
    shade(canvas, ellipse((x, y - 3), (7, 6), feather=3), 1.1)
    shade(canvas, ellipse((x, y + 8), (17, 5), feather=3), 0.76)
    for nostril in (-7, 7):
        paint(canvas, ellipse((x + nostril, y + 5), (4, 2.4), feather=1), DARK, 0.75)


def _mouth(canvas: Canvas, looks: Looks) -> None:
    x, y = MOUTH
    half = 31.0
    upper = [
        *arc((x - half, y), (x, y - 7), -2, 6),
        *arc((x, y - 7), (x + half, y), -2, 6),
        *arc((x + half, y), (x - half, y), 3),
    ]
    lower = [*arc((x - half, y), (x + half, y), 3), *arc((x + half, y), (x - half, y), 13)]
    paint(canvas, polygon(upper, feather=1), tuple(channel * 0.86 for channel in looks.lips), 0.9)  # type: ignore[arg-type]
    paint(canvas, polygon(lower, feather=1.2), looks.lips, 0.85)
    shade(canvas, ellipse((x, y + 7), (12, 2.5), feather=2), 1.12)
    paint(canvas, stroke(arc((x - half, y), (x + half, y), 3), 2, feather=0.8), (92, 34, 34), 0.85)
    shade(canvas, ellipse((x, y + 19), (18, 5), feather=4), 0.85)


def _stubble(canvas: Canvas, looks: Looks, head: Mask, random: np.random.Generator) -> None:
    """The bluish shadow of a beard on chin, cheeks and upper lip, with the grain of short hair."""
    x = CENTRE[0]
    area = ellipse((x, 322), (looks.face_width - 8, 44), feather=9) * head
    area = np.maximum(area, ellipse((x, 287), (30, 7), feather=3)) * (1 - ellipse(MOUTH, (33, 11), feather=3))
    grain = cv2.resize(random.uniform(0.5, 1, (HEIGHT // 2, WIDTH // 2)).astype(np.float32), (WIDTH, HEIGHT))
    paint(canvas, area * grain, (66, 64, 70), looks.stubble)


def _hair_in_front(canvas: Canvas, looks: Looks) -> None:
    x, y = CENTRE
    top = y - looks.face_height
    width = looks.face_width
    edge = top + 42 - 34 * looks.hairline
    parting = x + looks.fringe * 30
    crown = [
        (x - width - 9, y - 30),
        *arc((x - width - 6, y - 52), (x + width + 6, y - 52), -(y - 52 - top + 22)),
        (x + width + 9, y - 30),
    ]
    fringe = [
        *arc((x + width - 4, edge + 26), (parting, edge), -10),
        *arc((parting, edge), (x - width + 4, edge + 26), -10),
    ]
    cap = polygon([*crown, *fringe], feather=2.5)
    paint(canvas, cap, looks.hair)
    shine = ellipse((x + looks.fringe * 24, top + 8), (34, 9), feather=7) * cap
    shade(canvas, shine, 1.35)
    if looks.long_hair:
        for side in (-1, 1):
            strand = [
                (x + side * (width - 7), y - 62),
                (x + side * (width + 12), y - 62),
                (x + side * (width + 16), 395),
                (x + side * (width - 4), 395),
            ]
            paint(canvas, polygon(strand, feather=3), looks.hair)


def _glasses(canvas: Canvas) -> None:
    for x, y in EYES:
        rim = stroke(
            [(x + 25 * np.cos(a), y + 2 + 18 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 33)], 2, feather=0.7
        )
        paint(canvas, rim, (30, 30, 34), 0.9)
    paint(canvas, stroke(arc((181, 224), (204, 224), -5), 2, feather=0.7), (30, 30, 34), 0.9)
