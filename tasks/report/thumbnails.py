"""Thumbnails of the crops that a run was trained on."""

import numpy as np

from tasks.store import Artifact
from tasks.tables import CROPS
from tasks.thumbnails import encode_thumbnail


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
