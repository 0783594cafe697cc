"""What a person can choose about validation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from expectations.settings import BalanceSettings, LabelSettings, Severity

SuiteName = Literal["labels", "balance"]
StopAt = Literal["critical", "warning", "never"]


class SuiteSettings(BaseModel):
    """What is expected of the data: all that decides the results."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    suites: tuple[SuiteName, ...] = Field(("labels", "balance"), min_length=1)
    """The suites to check."""
    labels: LabelSettings = LabelSettings()
    """What the suite `labels` takes for right."""
    balance: BalanceSettings = BalanceSettings()
    """What the suite `balance` takes for enough."""
    severities: dict[str, Severity] = {}
    """Severity of single expectations by name, such as {"class_ratio": "info"}, where it is not the usual one."""


class ValidationSettings(SuiteSettings):
    """What is expected of the data, and what happens if it is not so."""

    stop_at: StopAt = "critical"
    """The least severe failure that stops the flow; `never`: failures are only reported, but training
    still refuses photos without a class."""

    def expected(self) -> SuiteSettings:
        """The settings without the gate: moving the gate validates nothing anew."""
        return SuiteSettings.model_validate(self.model_dump(exclude={"stop_at"}))
