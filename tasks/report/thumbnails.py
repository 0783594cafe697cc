"""Small pictures of photos, as data URIs: a report carries them with it."""

import base64
import io

import numpy as np
from PIL import Image

from tasks.photos import Pixels
from tasks.store import Artifact
from tasks.tables import CROPS

SIDE = 240
"""Most pixels of a thumbnail's longer side."""
QUALITY = 72
"""JPEG quality: with SIDE about 6 kB a thumbnail."""


class Thumbnails:
    """Thumbnails of the photos whose crops are in an artifact of the prepare step."""

    def __init__(self, crops: Artifact) -> None:
        index = CROPS.read(crops.path("crops.parquet"))
        rows = zip(index["photo"], index["shard"], index["row"], strict=True)
        self._places = {photo: (shard, int(row)) for photo, shard, row in rows}
        self._shards = {
            name: np.load(crops.path(name), mmap_mode="r", allow_pickle=False) for name in index["shard"].unique()
        }

    def uri(self, photo: str) -> str:
        """The thumbnail of `photo` as a ``data:`` URI of a JPEG."""
        shard, row = self._places[photo]
        return encode_thumbnail(np.asarray(self._shards[shard][row]))


def encode_thumbnail(pixels: Pixels) -> str:
    """A ``data:`` URI with `pixels` as a JPEG whose longer side has at most SIDE pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
