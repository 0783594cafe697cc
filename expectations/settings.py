"""What a person can choose about the suites."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Severity = Literal["critical", "warning", "info"]
"""What a failure means: `critical` makes the data unfit for use, `warning` should be looked at, `info` is noted."""
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
"""All of them, the worst first."""


class LabelSettings(BaseModel):
    """What the `labels` suite takes for right."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    youngest: int = Field(0, ge=0, le=150)
    """Lowest age that is believed, years."""
    oldest: int = Field(120, ge=0, le=150)
    """Highest age that is believed, years."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.youngest > self.oldest:
            raise ValueError(f"youngest ({self.youngest}) must not be above oldest ({self.oldest})")
        return self


class BalanceSettings(BaseModel):
    """What the `balance` suite takes for enough."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    min_photos: int = Field(5, ge=0)
    """Fewest photos of a class; by default one for each of five folds."""
    min_ratio: float = Field(0.01, ge=0, le=1)
    """Fewest photos of a class as a share of the commonest class; the competition's rarest class has 0.02."""
