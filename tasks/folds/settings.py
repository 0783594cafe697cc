"""What a person can choose about folds."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FoldsSettings(BaseModel):
    """How the training photos are split."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    count: int = Field(5, ge=2, le=20)
    """Number of parts into which the photos are split: each is held out of one training and scored by it."""
    trained: int | None = Field(None, ge=1, le=20)
    """Number of folds that get a model, from the first. All, if it is not given; 1 is a single split into training and
    validation."""
    aside: int = Field(0, ge=0, le=18)
    """Number of folds, from the last, that are kept aside: no model is trained on their photos or scores them."""
    by: Literal["person", "photo"] = "person"
    """`person`: all photos of a person stay in one fold. `photo`: photos are split alone, as the seed project did; the
    same face is then trained on and scored, and the scores are far too good (0.9 where the hidden set gives 0.7)."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Shuffles persons before they are dealt out."""

    @property
    def models(self) -> int:
        """Number of folds that get a model."""
        return self.trained or self.count - self.aside

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Self:
        if self.count - self.aside < 2:
            raise ValueError(f"{self.aside} of {self.count} folds kept aside leave no two to train on and to hold out")
        if self.models > self.count - self.aside:
            raise ValueError(f"{self.models} folds cannot get a model: {self.count - self.aside} are not kept aside")
        return self
