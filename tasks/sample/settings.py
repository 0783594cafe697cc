"""What a person can choose about a drawn data set."""

from pydantic import BaseModel, ConfigDict, Field


class SampleSettings(BaseModel):
    """How large a drawn data set is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    people: int = Field(60, ge=1, le=100_000)
    """People to train on, seven photos each."""
    eval: int = Field(60, ge=1, le=1_000_000)
    """Photos to predict, of other people."""
    seed: int = Field(1, ge=0)
    """Same seed, same bytes."""
    flaws: bool = False
    """Plant wrong labels, unreadable files, duplicates and archive debris, and list them in flaws.json."""
