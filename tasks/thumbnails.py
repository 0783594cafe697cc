"""Small pictures of photos, as data URIs: a page carries them with it."""

import base64
import io

from PIL import Image

from tasks.photos import Pixels

SIDE = 240
"""Most pixels of a thumbnail's longer side."""
QUALITY = 72
"""JPEG quality: with SIDE about 6 kB a thumbnail."""


def encode_thumbnail(pixels: Pixels, side: int = SIDE) -> str:
    """A ``data:`` URI with `pixels` as a JPEG whose longer side has at most `side` pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
