from typing import get_args

import pytest

from expectations.settings import SEVERITIES, Severity, SuiteName
from expectations.wording import name_of
from tasks.errors import ConfigError
from tasks.validate.settings import ALL_SUITES, SUITES, Subject, SuiteSettings
from tasks.validate.suites import ANY, build_suites
from tasks.validate.tables import Validated


def severities(settings: SuiteSettings, validated: Validated = ANY) -> dict[str, str]:
    """Severities of the expectations by name."""
    suites = build_suites(settings, validated).values()
    return {name_of(expectation): expectation.severity for suite in suites for expectation in suite.expectations}


def test_every_suite_belongs_to_one_subject() -> None:
    assert sorted(ALL_SUITES) == sorted(get_args(SuiteName))


def test_names_are_unique_over_all_suites() -> None:
    suites = build_suites(SuiteSettings(), ANY).values()
    assert len(severities(SuiteSettings())) == sum(len(suite.expectations) for suite in suites)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_severity_of_every_expectation_is_a_setting(severity: Severity) -> None:
    names = list(severities(SuiteSettings()))
    assert severities(SuiteSettings(severities=dict.fromkeys(names, severity))) == dict.fromkeys(names, severity)


def test_severity_of_one_expectation_leaves_the_others_as_they_are() -> None:
    usual, changed = severities(SuiteSettings()), severities(SuiteSettings(severities={"age_constant": "info"}))
    assert {name: changed[name] for name in usual if changed[name] != usual[name]} == {"age_constant": "info"}


@pytest.mark.parametrize("subject", SUITES)
def test_severity_of_an_unknown_expectation_is_refused_whatever_is_validated(subject: Subject) -> None:
    settings = SuiteSettings(severities={"gender_konstant": "info"}).about(subject)
    with pytest.raises(ConfigError, match=r"1 severities .* 'gender_konstant'. Did you mean 'gender_constant'\?"):
        build_suites(settings, Validated({}))


@pytest.mark.parametrize("subject", SUITES)
def test_severity_of_an_expectation_that_is_not_asked_for_now_is_known(subject: Subject) -> None:
    known = dict.fromkeys(severities(SuiteSettings()), "info")
    build_suites(SuiteSettings(severities=known).about(subject), Validated({}))


@pytest.mark.parametrize("subject", SUITES)
def test_only_the_suites_asked_for_are_built(subject: Subject) -> None:
    assert tuple(build_suites(SuiteSettings().about(subject), ANY)) == SUITES[subject]


def test_without_earlier_photos_only_shares_that_are_known_are_compared() -> None:
    known = Validated({}, {"gender": {"male": 0.5}})
    assert list(severities(SuiteSettings().about("drift"), known)) == ["gender_shares"]
