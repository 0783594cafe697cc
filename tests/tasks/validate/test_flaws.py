"""Proof that checks check."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from expectations.wording import name_of
from tasks.validate.settings import Subject, SuiteSettings
from tasks.validate.suites import ANY, build_suites
from tests.tasks.validate.clean import CLEAN, failures
from tests.tasks.validate.flaws import FLAWS, Flaw


def found(flaw: Flaw) -> dict[str, list[str]]:
    """Keys of what breaks each failed expectation, in a table with that flaw."""
    failed = failures(flaw.subject, flaw.plant(CLEAN[flaw.subject].copy()), flaw.settings)
    return {name: sorted(offender.key for offender in outcome.offenders) for name, outcome in failed.items()}


@pytest.mark.parametrize("subject", CLEAN)
def test_clean_table_meets_every_expectation(subject: Subject) -> None:
    assert failures(subject, CLEAN[subject]) == {}


@pytest.mark.parametrize("flaw", FLAWS)
def test_flaw_fails_just_the_expectations_that_it_breaks_with_the_rows_that_have_it(flaw: str) -> None:
    assert found(FLAWS[flaw]) == {name: sorted(keys) for name, keys in FLAWS[flaw].broken.items()}


def test_every_expectation_is_failed_by_a_flaw() -> None:
    suites = build_suites(SuiteSettings(), ANY).values()
    names = [name_of(expectation) for suite in suites for expectation in suite.expectations]
    assert sorted(names) == sorted({name for flaw in FLAWS.values() for name in flaw.broken})


def test_validations_in_threads_do_not_mix() -> None:
    flaws = [FLAWS[name] for name in ("a photo too few", "two ages", "no_face often", "a person gone", "no answer")]
    with ThreadPoolExecutor(len(flaws)) as pool:
        together = list(pool.map(found, flaws))
    assert together == [found(flaw) for flaw in flaws]
