"""What a person can choose about boxes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DetectorName = Literal["retinaface", "mtcnn"]


class Size(BaseModel):
    """Height and width in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    height: int = Field(ge=16, le=4096)
    """Pixels from top to bottom."""
    width: int = Field(ge=16, le=4096)
    """Pixels from left to right."""


class FacesSettings(BaseModel):
    """Which part of every photo is looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    crop: Literal["face", "centre"] = "face"
    """`face`: the box of the face that the detectors find. `centre`: the same box in the middle of every photo."""
    detectors: tuple[DetectorName, ...] = Field(("retinaface", "mtcnn"), min_length=1)
    """Detectors in the order in which they are asked, until one finds a face. Read if crop is `face`."""
    padding_x: int = Field(20, ge=0, le=512)
    """Pixels added to the left and to the right of a face. Read if crop is `face`."""
    padding_y: int = Field(30, ge=0, le=512)
    """Pixels added above and below a face. Read if crop is `face`."""
    centre: Size = Size(height=350, width=350)
    """Size of the box in the middle: 350x350, 400x200 and 384x384 are the usual ones. Read if crop is `centre`."""
