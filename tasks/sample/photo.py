"""The seven photos of a person."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.classes import STATE_OF_FILE
from tasks.photos import Pixels
from tasks.sample.canvas import HEIGHT, WIDTH, Canvas
from tasks.sample.face import CENTRE, draw_face
from tasks.sample.mask import choose_mask, draw_mask
from tasks.sample.people import Person, choose_looks

JPEG_QUALITY = 92
GRAIN = 9
"""Mean of the noise, 0..255."""
SPARE = 64
ENDINGS = {".jpg": 18035, ".png": 511, ".jpeg": 354}
"""Files of the competition's training set by ending."""


def draw_person(person: Person, random: np.random.Generator) -> dict[str, bytes]:
    """The seven photos of a person, encoded, by file name: one face, and a light, a pose and a mask for each."""
    looks = choose_looks(person, random)
    face = draw_face(looks, (random.uniform(-0.5, 0.5), random.uniform(-0.6, 0.1)), random)
    grain = _grain(random)
    photos: dict[str, bytes] = {}
    for stem, state in STATE_OF_FILE.items():
        canvas = face.copy()
        if state != "normal":
            draw_mask(canvas, looks, choose_mask(state, random))
        ending = str(random.choice(list(ENDINGS), p=np.array(list(ENDINGS.values())) / sum(ENDINGS.values())))
        photos[stem + ending] = encode(_take(canvas, grain, random), ending)
    return photos


def encode(pixels: Pixels, ending: str) -> bytes:
    """An RGB photo as a file of that ending. Raises ValueError if OpenCV cannot encode it."""
    quality = [cv2.IMWRITE_PNG_COMPRESSION, 1] if ending == ".png" else [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    done, content = cv2.imencode(ending, pixels[..., ::-1], quality)
    if not done:
        raise ValueError(f"OpenCV cannot encode a photo as {ending}")
    return content.tobytes()


def _take(canvas: Canvas, grain: NDArray[np.uint8], random: np.random.Generator) -> Pixels:
    """A photo of what is drawn: tilted, shifted, nearer or farther, warmer or colder, with a sensor's grain."""
    pose = np.asarray(cv2.getRotationMatrix2D(CENTRE, random.normal(0, 3), random.normal(1.0, 0.05)), np.float64)
    pose[:, 2] += random.normal((0, 0), (7, 9))
    moved = cv2.warpAffine(canvas, pose, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    warmth = random.normal(0, 0.03)
    gain = random.normal(1.0, 0.08) * np.array([1 + warmth, 1, 1 - warmth])
    levels = np.arange(256)[None, :, None] * gain + random.normal(0, 6) - GRAIN
    lit = cv2.LUT(moved, np.clip(levels, 0, 255).astype(np.uint8))
    y, x = random.integers(0, SPARE, 2)
    return np.asarray(cv2.add(lit, grain[y : y + HEIGHT, x : x + WIDTH]), np.uint8)


def _grain(random: np.random.Generator) -> NDArray[np.uint8]:
    """The noise of a sensor, GRAIN on average: larger than a photo by SPARE, so that each can use another part."""
    tile = np.clip(random.normal(GRAIN, GRAIN / 3, (64, 64)), 0, 255).astype(np.uint8)
    return np.repeat(np.tile(tile, ((HEIGHT + SPARE) // 64, (WIDTH + SPARE) // 64))[..., None], 3, axis=2)
