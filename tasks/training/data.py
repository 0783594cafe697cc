"""Crops as batches of tensors, read from memory-mapped shards."""

import hashlib
import mmap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.photos import Pixels
from tasks.tables import CROPS
from tasks.training.augment import scoring_pipeline, training_pipeline
from tasks.training.settings import TrainingSettings

UNKNOWN = -1
"""Class of a photo whose label is hidden."""
SCORING = 0
"""The epoch in which photos are seen unchanged; training's epochs count from 1."""
FORGET_AFTER = 64 * 2**20
"""Bytes that are read from shards before their pages are given back. The system keeps them as long as there is room,
but they no longer count as ours, so memory stays flat however many photos there are."""

Rows = NDArray[np.int64]
"""Places of photos in a table, shape (photos,)."""
Look = tuple[int, int]
"""An epoch and a row: what a photo looks like follows from both."""


class Crops:
    """Every crop, by photo. Shards are memory-mapped: only the pages that are looked at take memory.

    It may be sent to another process, which then maps the shards itself.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Take the files of a crops artifact, by name."""
        table = CROPS.read(files["crops.parquet"])
        self._places = dict(zip(table["photo"], zip(table["shard"], table["row"], strict=True), strict=True))
        self._files = {name: path for name, path in files.items() if name.endswith(".npy")}
        self._shards: dict[str, _Shard] = {}
        self._read = 0

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the maps, which are of one process."""
        return {**self.__dict__, "_shards": {}, "_read": 0}

    def __getitem__(self, photo: str) -> Pixels:
        """The crop of a photo: height x width x 3, RGB; not to be changed."""
        name, row = self._places[photo]
        crop: Pixels = self._shard(name).pixels[row]
        self._read += crop.nbytes
        if self._read > FORGET_AFTER:
            self._read = 0
            for shard in self._shards.values():
                shard.forget()
        return crop

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every crop, pixels."""
        height, width = self._shard(next(iter(self._files))).pixels.shape[1:3]
        return int(height), int(width)

    def _shard(self, name: str) -> "_Shard":
        if name not in self._shards:
            self._shards[name] = _Shard(self._files[name])
        return self._shards[name]


class _Shard:
    """A ``.npy`` file of crops, mapped into memory."""

    def __init__(self, path: Path) -> None:
        header = np.load(path, mmap_mode="r")
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.pixels = np.ndarray(header.shape, header.dtype, self._map, header.offset)

    def forget(self) -> None:
        self._map.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class Batch:
    """Some photos.

    Attributes:
        photos: their names.
        pixels: photos x 3 x height x width, 0..255, channels last in memory.
        classes: classes 0..17, shape (photos,); UNKNOWN where hidden.
        ages: years, shape (photos,); NaN where hidden.
    """

    photos: list[str]
    pixels: Tensor
    classes: Tensor
    ages: Tensor


class LookDataset(Dataset[tuple[int, Pixels]]):
    """Photos as the network sees them in an epoch, each with a random state of its own.

    The state follows from seed, epoch and photo alone: neither the order of photos nor the number of processes that
    read them changes what a photo looks like.
    """

    def __init__(self, crops: Crops, photos: Sequence[str], settings: TrainingSettings) -> None:
        self._crops = crops
        self._photos = photos
        self._training = training_pipeline(settings.augment)
        self._scoring = scoring_pipeline(settings.augment)
        self._seed = settings.seed

    def __getitem__(self, look: Look) -> tuple[int, Pixels]:
        epoch, row = look
        photo = self._photos[row]
        pipeline = self._scoring if epoch == SCORING else self._training
        if epoch != SCORING:
            pipeline.set_random_seed(seed_of(self._seed, epoch, photo))
        pixels: Pixels = pipeline(image=self._crops[photo])["image"]
        return row, pixels


class Feed:
    """Photos of a table in batches, read and changed by `workers` processes, or by this one if there are none.

    Workers are started afresh, never forked: a fork of a process in which torch has started threads may hang.
    """

    def __init__(self, crops: Crops, photos: pd.DataFrame, settings: TrainingSettings, workers: int = 0) -> None:
        """Take the photos to choose from: columns photo, class and age of the catalog."""
        self.photos: list[str] = photos["photo"].tolist()
        self.classes = torch.tensor(photos["class"].fillna(UNKNOWN).astype(int).tolist())
        self.ages = torch.tensor(photos["age"].astype("Float64").to_numpy(np.float32, na_value=np.nan))
        self.waited = 0.0
        """Seconds for which somebody has waited for batches so far."""
        self._size = settings.batch_size
        self._looks: list[list[Look]] = []
        self._loader: DataLoader[tuple[int, Pixels]] = DataLoader(
            LookDataset(crops, self.photos, settings),
            # Each pass over the loader asks this list anew, so that all passes share the same workers.
            batch_sampler=self._looks,
            num_workers=workers,
            persistent_workers=workers > 0,
            multiprocessing_context="spawn" if workers else None,
            pin_memory=torch.cuda.is_available(),
            collate_fn=_collate,
            generator=torch.Generator(),  # or else it would draw from torch's own
        )

    def batches(self, rows: Rows, epoch: int = SCORING) -> Iterator[Batch]:
        """The photos in these rows, in that order."""
        looks = [(epoch, int(row)) for row in rows]
        self._looks[:] = [looks[start : start + self._size] for start in range(0, len(looks), self._size)]
        batches = iter(self._loader)
        while True:
            clock = time.perf_counter()
            found, pixels = next(batches, (None, None))
            self.waited += time.perf_counter() - clock
            if found is None or pixels is None:
                return
            yield Batch([self.photos[row] for row in found], pixels, self.classes[found], self.ages[found])


def _collate(items: Sequence[tuple[int, Pixels]]) -> tuple[list[int], Tensor]:
    rows, pixels = zip(*items, strict=True)
    # Stacked photos are channels last in memory already; permuting only names the axes as torch expects them.
    return list(rows), torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)


def seed_of(*parts: object) -> int:
    """A seed, 32 bits, that follows from all `parts`."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "little")
