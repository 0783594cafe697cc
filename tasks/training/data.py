"""Crops as batches of tensors, read from memory-mapped shards."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.photos import Pixels
from tasks.tables import CROPS
from tasks.training.augment import Pipeline

UNKNOWN = -1
"""Class of a photo whose label is hidden."""


class Crops:
    """Every crop, by photo. Shards are memory-mapped: only the pages that are looked at take memory."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Open the files of a crops artifact, by name."""
        table = CROPS.read(files["crops.parquet"])
        self._shards = {name: np.load(path, mmap_mode="r") for name, path in files.items() if name.endswith(".npy")}
        self._places = dict(zip(table["photo"], zip(table["shard"], table["row"], strict=True), strict=True))

    def __getitem__(self, photo: str) -> Pixels:
        """The crop of a photo: height x width x 3, RGB."""
        shard, row = self._places[photo]
        crop: Pixels = self._shards[shard][row]
        return crop

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every crop, pixels."""
        height, width = next(iter(self._shards.values())).shape[1:3]
        return int(height), int(width)


@dataclass(frozen=True)
class Batch:
    """Some photos.

    Attributes:
        photos: their names.
        pixels: photos x 3 x height x width, normalised, channels last in memory.
        classes: classes 0..17, shape (photos,); UNKNOWN where hidden.
    """

    photos: list[str]
    pixels: Tensor
    classes: Tensor


class CropDataset(Dataset[tuple[str, NDArray[np.float32], int]]):
    """Photos with their classes, each passed through `pipeline` with a random state of its own.

    The state follows from seed, epoch and photo alone, so the order of photos does not change what a
    photo looks like.
    """

    def __init__(self, crops: Crops, photos: pd.DataFrame, pipeline: Pipeline, seed: int) -> None:
        self.epoch = 0
        self._crops = crops
        self._photos: list[str] = photos["photo"].tolist()
        self._classes: list[int] = photos["class"].fillna(UNKNOWN).astype(int).tolist()
        self._pipeline = pipeline
        self._seed = seed

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> tuple[str, NDArray[np.float32], int]:
        photo = self._photos[index]
        self._pipeline.set_random_seed(_seed_of(self._seed, self.epoch, photo))
        pixels: NDArray[np.float32] = self._pipeline(image=np.ascontiguousarray(self._crops[photo]))["image"]
        return photo, pixels, self._classes[index]


class Batches:
    """A dataset in batches: shuffled anew every epoch if `shuffle`, in order otherwise."""

    def __init__(self, dataset: CropDataset, batch_size: int, seed: int, *, shuffle: bool) -> None:
        self.dataset = dataset
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._seed = seed

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.dataset)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch, the same for the same seed and number."""
        self.dataset.epoch = number
        generator = torch.Generator().manual_seed(_seed_of(self._seed, number, ""))
        loader = DataLoader(
            self.dataset,
            self._batch_size,
            shuffle=self._shuffle,
            generator=generator,
            collate_fn=_collate,
            # A last batch of one photo would break batch norm; its photo is seen in other epochs.
            drop_last=self._shuffle and len(self.dataset) % self._batch_size == 1,
        )
        batches: Iterable[Batch] = loader
        yield from batches


def _collate(items: Sequence[tuple[str, NDArray[np.float32], int]]) -> Batch:
    photos, pixels, classes = zip(*items, strict=True)
    # Stacked photos are channels last in memory already; permuting only names the axes as torch expects them.
    stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    return Batch(list(photos), stacked, torch.tensor(classes))


def _seed_of(*parts: object) -> int:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "little")
