"""What a person can choose about crops."""

from pydantic import BaseModel, ConfigDict, Field


class PrepareSettings(BaseModel):
    """The size to which every box is resized."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    height: int = Field(260, ge=32, le=1024)
    """Height of a crop, pixels."""
    width: int = Field(200, ge=32, le=1024)
    """Width of a crop, pixels."""
