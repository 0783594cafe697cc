"""What a person can choose about the suites."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SuiteName = Literal["labels", "photos", "balance", "faces", "folds", "submission", "drift"]
Severity = Literal["critical", "warning", "info"]
"""What a failure means: `critical` makes the data unfit for use, `warning` should be looked at, `info` is noted."""
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
"""All of them, the worst first."""


class LabelSettings(BaseModel):
    """What the `labels` suite takes for right."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    youngest: int = Field(18, ge=0, le=150)
    """Lowest age that is usual, years; the competition has nobody younger."""
    oldest: int = Field(60, ge=0, le=150)
    """Highest age that is usual, years; the competition has nobody older."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.youngest > self.oldest:
            raise ValueError(f"youngest ({self.youngest}) must not be above oldest ({self.oldest})")
        return self


class PhotoSettings(BaseModel):
    """What the `photos` suite takes for a photo that can be learnt from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    least_side: int = Field(96, ge=1)
    """Fewest pixels of a photo's shorter side."""
    least_aspect: float = Field(0.5, gt=0)
    """Least width over height."""
    greatest_aspect: float = Field(1.5, gt=0)
    """Greatest width over height."""
    least_brightness: float = Field(0.08, ge=0, le=1)
    """Least mean of all channels, of 1; of 4,174 real photos the darkest had 0.14."""
    greatest_brightness: float = Field(0.92, ge=0, le=1)
    """Greatest mean of all channels, of 1; of 4,174 real photos the brightest had 0.87."""
    least_contrast: float = Field(0.03, ge=0, le=1)
    """Least standard deviation of the channels, of 1; of 4,174 real photos the dullest had 0.08."""
    least_sharpness: float = Field(8.0, ge=0)
    """Least variance of the Laplacian, levels 0..255 squared; 1 of 500 real photos had less."""
    like_bits: int = Field(10, ge=0, le=24)
    """Most bits, of 256, in which the perceptual hashes of two photos differ that look the same. On real photos saving
    them again costs 0 to 4, another brightness 7 to 20; those of two persons differ in more than 48."""


class BalanceSettings(BaseModel):
    """What the `balance` suite takes for enough."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    min_photos: int = Field(5, ge=0)
    """Fewest photos of a class; by default one for each of five folds."""
    min_ratio: float = Field(0.01, ge=0, le=1)
    """Fewest photos of a class as a share of the commonest class; the competition's rarest class has 0.02."""


class FaceSettings(BaseModel):
    """What the `faces` suite takes for rare."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    most: float = Field(0.05, ge=0, le=1)
    """Greatest share of all photos with no face, with several, with a tiny one, or with one at the edge."""
    most_of_class: float = Field(0.15, ge=0, le=1)
    """Greatest share of a class's photos with one of these."""
    most_by_others: float = Field(0.25, ge=0, le=1)
    """Greatest share of faces that a detector may find which is not the one that finds most."""


class FoldSettings(BaseModel):
    """What the `folds` suite takes for right."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    like_bits: int = Field(10, ge=0, le=24)
    """Most bits, of 256, in which the perceptual hashes of two photos differ that look the same."""
    most_unlike: float = Field(0.1, ge=0, le=1)
    """Greatest distance of a fold's class shares from those of all photos: half the sum of all differences."""


class SubmissionSettings(BaseModel):
    """What the `submission` suite takes for likely."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    most_divergence: float = Field(0.3, ge=0)
    """Greatest Kullback-Leibler divergence of the predicted class shares from the training photos', nats."""


class DriftSettings(BaseModel):
    """What the `drift` suite takes for the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    most_divergence: float = Field(0.05, ge=0)
    """Greatest Kullback-Leibler divergence of shares from the reference's, nats; 0.05 is 50 % against 66 %."""
    most_brightness: float = Field(0.25, ge=0)
    """Farthest move of the mean brightness, standard deviations of the reference's photos."""
    most_sizes: float = Field(0.1, ge=0, le=1)
    """Greatest share of photos whose size may be another one."""
