"""Photos for tests of the search."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from PIL import Image, ImageOps

from tasks.faces.search import PhotoToSearch


def chunk(folder: Path, photos: Iterable[str]) -> pd.DataFrame:
    """Photos of a data folder, as rows of its catalog."""
    return pd.DataFrame([to_search(folder, photo) for photo in photos], columns=PhotoToSearch._fields)


def to_search(folder: Path, photo: str) -> PhotoToSearch:
    """A photo of a data folder, as its catalog would tell it."""
    path = folder / photo
    with Image.open(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    return PhotoToSearch(photo, hashlib.sha256(path.read_bytes()).hexdigest(), width, height)
