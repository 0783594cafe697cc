"""The suites that the settings ask for."""

from difflib import get_close_matches

import great_expectations as gx
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations import balance, drift, faces, folds, labels, photos, submission
from expectations.settings import SuiteName
from expectations.wording import name_of
from tasks.errors import ConfigError
from tasks.validate.settings import SuiteSettings
from tasks.validate.tables import FIGURES, Validated

ANY = Validated({}, {figure: {} for figure in FIGURES}, earlier_photos=True)
"""What every expectation can be built for."""


def build_suites(settings: SuiteSettings, validated: Validated) -> dict[SuiteName, gx.ExpectationSuite]:
    """The suites that `settings` names, with their severities, for what is to be validated.

    Raises:
        ConfigError: a severity is given for an expectation that no suite has.
    """
    known = [name_of(expectation) for suite in _build(settings, ANY).values() for expectation in suite.expectations]
    _refuse_unknown([name for name in settings.severities if name not in known], known)
    suites = _build(settings, validated)
    for expectation in (expectation for suite in suites.values() for expectation in suite.expectations):
        if severity := settings.severities.get(name_of(expectation)):
            expectation.severity = FailureSeverity(severity)
    return {name: suites[name] for name in settings.suites}


def _build(settings: SuiteSettings, validated: Validated) -> dict[SuiteName, gx.ExpectationSuite]:
    """All suites."""
    return {
        "labels": labels.build(settings.labels),
        "photos": photos.build(settings.photos),
        "balance": balance.build(settings.balance),
        "faces": faces.build(settings.faces),
        "folds": folds.build(settings.folds),
        "submission": submission.build(settings.submission, validated.shares.get("class", {})),
        "drift": drift.build(settings.drift, validated.shares, photos=validated.earlier_photos),
    }


def _refuse_unknown(unknown: list[str], names: list[str]) -> None:
    if unknown:
        closest = get_close_matches(unknown[0], names, n=1, cutoff=0)[0]
        raise ConfigError(
            f"{len(unknown)} severities are set for expectations that do not exist, such as {unknown[0]!r}. "
            f"Did you mean {closest!r}? There are {', '.join(names)}."
        )
