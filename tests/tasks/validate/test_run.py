import pandas as pd
import pytest

from expectations.rule import LISTED
from expectations.settings import BalanceSettings, LabelSettings
from expectations.wording import EXAMPLES
from tasks.errors import DataError
from tasks.sample.table import draw_catalog
from tasks.validate.settings import SuiteSettings
from tests.tasks.validate.clean import failures


def test_message_says_how_many_shows_one_and_says_what_to_do(catalog: pd.DataFrame) -> None:
    settings = SuiteSettings(balance=BalanceSettings(min_photos=0, min_ratio=0.2))
    assert failures("data", catalog, settings)["class_ratio"].message == (
        "10 of 18 classes have less than 20.00% of the photos of the commonest class, such as "
        "incorrect male <30 (11 photos against 70). Add photos of those classes, or expect them to score low."
    )


def test_age_bounds_are_settings(catalog: pd.DataFrame) -> None:
    found = failures("data", catalog, SuiteSettings(labels=LabelSettings(youngest=18, oldest=59)))
    assert {name: outcome.unexpected for name, outcome in found.items()} == {"age_usual": 12 * 7}


def test_all_that_breaks_an_expectation_is_counted_but_only_so_many_are_listed() -> None:
    many = draw_catalog(people=LISTED // 5, evaluation=1, seed=1)
    found = failures("data", many.assign(age=200, sharpness=0.0))
    for name in ("age_possible", "age_group_derived", "sharp_enough"):
        assert found[name].unexpected > LISTED
        assert (len(found[name].offenders), len(found[name].examples)) == (LISTED, EXAMPLES)


def test_twin_of_an_offender_is_listed_beside_it(catalog: pd.DataFrame) -> None:
    catalog.loc[1, ["sha256", "phash"]] = catalog.loc[0, ["sha256", "phash"]]
    (offender,) = failures("data", catalog)["no_copies_person"].offenders
    assert offender == (catalog.at[1, "photo"], f"like {catalog.at[0, 'photo']}", catalog.at[0, "photo"])


def test_offender_of_great_expectations_own_is_listed_with_its_value(catalog: pd.DataFrame) -> None:
    catalog.loc[3, "gender"] = "man"
    (offender,) = failures("data", catalog)["gender_known"].offenders
    assert offender == (catalog.at[3, "photo"], "man", None)


def test_expectation_that_cannot_be_checked_is_an_error_not_a_failure(catalog: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"4 expectations could not be checked, such as .*gender"):
        failures("data", catalog.drop(columns="gender"))
