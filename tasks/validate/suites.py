"""The suites that the settings ask for."""

from difflib import get_close_matches

import great_expectations as gx
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations import balance, labels
from expectations.wording import name_of
from tasks.errors import ConfigError
from tasks.validate.settings import SuiteSettings


def build_suites(settings: SuiteSettings) -> list[gx.ExpectationSuite]:
    """The suites that `settings` names, with their severities.

    Raises:
        ConfigError: a severity is given for an expectation that no suite has.
    """
    suites = [labels.build(settings.labels), balance.build(settings.balance)]
    expectations = {name_of(expectation): expectation for suite in suites for expectation in suite.expectations}
    _refuse_unknown([name for name in settings.severities if name not in expectations], list(expectations))
    for name, severity in settings.severities.items():
        expectations[name].severity = FailureSeverity(severity)
    return [suite for suite in suites if suite.name in settings.suites]


def _refuse_unknown(unknown: list[str], names: list[str]) -> None:
    if unknown:
        closest = get_close_matches(unknown[0], names, n=1, cutoff=0)[0]
        raise ConfigError(
            f"{len(unknown)} severities are set for expectations that do not exist, such as {unknown[0]!r}. "
            f"Did you mean {closest!r}? There are {', '.join(names)}."
        )
