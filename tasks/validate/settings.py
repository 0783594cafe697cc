"""What a person can choose about validation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from expectations.settings import (
    BalanceSettings,
    DriftSettings,
    FaceSettings,
    FoldSettings,
    LabelSettings,
    PhotoSettings,
    Severity,
    SubmissionSettings,
    SuiteName,
)

StopAt = Literal["critical", "warning", "never"]
Subject = Literal["data", "drift", "faces", "folds", "submission"]
"""What is validated, each as soon as it is there."""

SUITES: dict[Subject, tuple[SuiteName, ...]] = {
    "data": ("labels", "photos", "balance"),
    "drift": ("drift",),
    "faces": ("faces",),
    "folds": ("folds",),
    "submission": ("submission",),
}
"""The suites that each is checked against."""
ARTIFACTS: dict[Subject, str] = {
    "data": "validate",
    "drift": "validate-drift",
    "faces": "validate-faces",
    "folds": "validate-folds",
    "submission": "validate-submission",
}
"""The step that validates each, and its artifact in a run. Drift alone depends on other runs, too."""
ALL_SUITES: tuple[SuiteName, ...] = tuple(suite for suites in SUITES.values() for suite in suites)


class SuiteSettings(BaseModel):
    """What is expected: all that decides the results."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    suites: tuple[SuiteName, ...] = Field(ALL_SUITES, min_length=1)
    """The suites to check."""
    labels: LabelSettings = LabelSettings()
    """What the suite `labels` takes for right."""
    photos: PhotoSettings = PhotoSettings()
    """What the suite `photos` takes for a photo that can be learnt from."""
    balance: BalanceSettings = BalanceSettings()
    """What the suite `balance` takes for enough."""
    faces: FaceSettings = FaceSettings()
    """What the suite `faces` takes for rare."""
    folds: FoldSettings = FoldSettings()
    """What the suite `folds` takes for right."""
    submission: SubmissionSettings = SubmissionSettings()
    """What the suite `submission` takes for likely."""
    drift: DriftSettings = DriftSettings()
    """What the suite `drift` takes for the same."""
    severities: dict[str, Severity] = {}
    """Severity of single expectations by name, such as {"class_ratio": "info"}, where it is not the usual one."""

    def suites_of(self, subject: Subject) -> tuple[SuiteName, ...]:
        """The suites that are to be checked of a subject; none if it is not to be validated."""
        return tuple(suite for suite in SUITES[subject] if suite in self.suites)

    def about(self, subject: Subject) -> "SuiteSettings":
        """What of all this decides the results of a subject: others change without it being validated anew."""
        suites = self.suites_of(subject)
        return SuiteSettings(
            suites=suites, severities=self.severities, **{suite: getattr(self, suite) for suite in suites}
        )


class ValidationSettings(SuiteSettings):
    """What is expected, and what happens if it is not so."""

    stop_at: StopAt = "critical"
    """The least severe failure that stops the flow; `never`: failures are only reported, but training
    still refuses photos without a class."""
