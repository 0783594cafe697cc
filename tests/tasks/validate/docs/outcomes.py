"""Outcomes made by hand."""

from expectations.settings import Severity
from expectations.wording import Offender, Outcome


def failure(unit: str, *offenders: Offender, name: str = "broken", severity: Severity = "warning") -> Outcome:
    """A failed expectation that counts `unit`, and what breaks it."""
    return Outcome(
        expectation=name,
        rule=f"No {unit} are broken.",
        column="photo",
        severity=severity,
        success=False,
        unit=unit,
        checked=100,
        unexpected=len(offenders),
        offenders=offenders,
        message=f"{len(offenders)} of 100 {unit} are broken.",
    )
