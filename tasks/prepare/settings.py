"""What a person can choose about crops."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PrepareSettings(BaseModel):
    """What becomes a crop, and its size."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    height: int = Field(260, ge=32, le=1024)
    """Height of a crop, pixels."""
    width: int = Field(200, ge=32, le=1024)
    """Width of a crop, pixels."""
    frame: Literal["box", "eyes"] = "box"
    """`box`: the box, resized. `eyes`: the part of the photo around the eyes, turned and scaled so that they lie level
    and at the same places in every crop. Where no face was found, eyes count as lying where a usual box has them."""
    eyes_apart: float = Field(0.353, gt=0.05, lt=1)
    """Distance between the eyes, as a share of the crop's width. Read if frame is `eyes`. The default, and that of
    eyes_height, are those of dlib's mean face with a quarter of it around (dlib/image_transforms/interpolation.h)."""
    eyes_height: float = Field(0.311, gt=0, lt=1)
    """How far below the upper edge the eyes lie, as a share of the crop's height. Read if frame is `eyes`."""
