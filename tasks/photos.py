"""Reading photos: one way for every step, so that all of them see the same pixels."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tasks.errors import DataError

Pixels = NDArray[np.uint8]
"""A photo: height x width x 3, RGB, 0..255."""

EXTENSIONS = (".jpg", ".jpeg", ".png")
"""File name endings, in lower case, that are photos."""


def decode_photo(content: bytes) -> Pixels:
    """Pixels of an encoded photo, upright (EXIF orientation applied).

    Raises:
        DataError: the bytes are not a complete image, or one so large that it would exhaust memory
            (over Pillow's limit of 89 megapixels).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError as error:
        raise DataError("not an image" if content else "an empty file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(str(error)) from error


def read_photo(root: Path, photo: str, sha256: str) -> Pixels:
    """Pixels of `photo` (a path below `root`), after checking that its bytes are still those of the catalog.

    Raises:
        DataError: the file is gone, cannot be decoded, or is not the one that the catalog describes.
    """
    try:
        content = (root / photo).read_bytes()
    except OSError as error:
        raise DataError(f"{photo} cannot be read: {error.strerror}. Put it back, or run again without it.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{photo} has changed since the catalog was made. Run again: the catalog is made anew.")
    return decode_photo(content)
