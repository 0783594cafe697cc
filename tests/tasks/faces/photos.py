"""Photos for tests of the search."""

import hashlib
from pathlib import Path

from PIL import Image, ImageOps

from tasks.faces.search import PhotoToSearch


def to_search(folder: Path, photo: str) -> PhotoToSearch:
    """A photo of a data folder, as its catalog would tell it."""
    path = folder / photo
    with Image.open(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    return PhotoToSearch(photo, hashlib.sha256(path.read_bytes()).hexdigest(), width, height)
