"""Reading photos: one way for every step, so that all of them see the same pixels."""

import hashlib
import io
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from tasks.data_folder import DataFolder
from tasks.errors import DataError

# `decode_photo` refuses what Pillow only warns of. It runs in threads, where warnings cannot be caught safely.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

LARGEST = Image.MAX_IMAGE_PIXELS or 89_478_485
"""Pixels of the largest photo that is decoded: Pillow's limit, 256 MB of memory as RGB."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by the orientation that its EXIF tells: the standard's (JEITA CP-3451, 4.6.4)."""

DEEP = ("I", "F")
"""How Pillow's modes with more than 8 bits a channel start: it would cut their values off at 255, to white."""

Pixels = NDArray[np.uint8]
"""A photo: height x width x 3, RGB, 0..255."""

EXTENSIONS = (".jpg", ".jpeg", ".png")
"""File name endings, in lower case, that are photos."""


def decode_photo(content: bytes, longest_side: int | None = None) -> Pixels:
    """Pixels of an encoded photo, upright (EXIF orientation applied).

    Args:
        content: the bytes of the file.
        longest_side: the photo is shrunk until no side is longer, pixels; a JPEG is decoded at a half, a quarter or an
            eighth of its size where that is large enough, at a fraction of the time.

    Raises:
        DataError: the bytes are not a complete image, or one of more than LARGEST pixels, or of more than 8 bits a
            channel.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > LARGEST:
                raise DataError(f"{image.width}x{image.height} pixels are more than the {LARGEST:,} that are decoded")
            if image.mode.startswith(DEEP):
                raise DataError(f"pixels of 16 bits or more (mode {image.mode}): save it with 8 bits a channel")
            if longest_side:
                image.draft(None, _shrunk(image.width, image.height, longest_side))
            pixels = np.asarray(_upright(image).convert("RGB"))
    except UnidentifiedImageError as error:
        raise DataError("not an image" if content else "an empty file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(str(error)) from error
    height, width = pixels.shape[:2]
    if longest_side and max(width, height) > longest_side:
        smaller = cv2.resize(pixels, _shrunk(width, height, longest_side), interpolation=cv2.INTER_AREA)
        return np.asarray(smaller, np.uint8)
    return pixels


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says; `ImageOps.exif_transpose` writes the EXIF anew, and fails if it is damaged."""
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _shrunk(width: int, height: int, longest_side: int) -> tuple[int, int]:
    """Width and height of a photo whose longer side becomes `longest_side`."""
    factor = min(1.0, longest_side / max(width, height))
    return max(1, int(width * factor)), max(1, int(height * factor))


def read_photo(data: DataFolder, photo: str, sha256: str, longest_side: int | None = None) -> Pixels:
    """Pixels of `photo`, as `decode_photo` gives them, after checking that its bytes are still those of the catalog.

    Raises:
        DataError: the file is gone, cannot be decoded, or is not the one that the catalog describes.
    """
    try:
        content = data.read(photo, sha256)
    except DataError as error:
        raise DataError(f"{photo} cannot be read: {error}. Put it back, or run again without it.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{photo} has changed since the catalog was made. Run again: the catalog is made anew.")
    try:
        return decode_photo(content, longest_side)
    except DataError as error:
        raise DataError(f"{photo} cannot be decoded: {error}. Replace it, or delete it with its row.") from error
