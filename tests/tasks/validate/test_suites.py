from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from expectations.labels import LABELS
from expectations.settings import BalanceSettings, LabelSettings
from expectations.wording import Outcome, name_of
from tasks.classes import encode_class
from tasks.errors import ConfigError, DataError
from tasks.validate.run import run_suites
from tasks.validate.settings import SuiteSettings
from tasks.validate.suites import build_suites

USUAL = SuiteSettings()
FIRST = slice(0, 7)  # rows of the first person, a man of 25
Plant = Callable[[pd.DataFrame], pd.DataFrame]


def failures(photos: pd.DataFrame, settings: SuiteSettings = USUAL) -> dict[str, Outcome]:
    outcomes = run_suites(photos, build_suites(settings))
    return {outcome.expectation: outcome for judged in outcomes.values() for outcome in judged if not outcome.success}


def change(rows: slice | int, **values: object) -> Plant:
    def plant(photos: pd.DataFrame) -> pd.DataFrame:
        for column, value in values.items():
            photos.loc[photos.index[rows], column] = value
        return photos

    return plant


def missing_labels(photos: pd.DataFrame) -> pd.DataFrame:
    for number, label in enumerate(LABELS):
        photos.loc[photos.index[7 * number], label] = pd.NA
    return photos


def oldest_person_ages(photos: pd.DataFrame) -> pd.DataFrame:
    rows = photos["person"] == "000002_male_Asian_70"
    photos.loc[rows, "person"] = "000002_male_Asian_130"
    photos.loc[rows, "age"] = 130
    return photos


def wrong_age_group(photos: pd.DataFrame) -> pd.DataFrame:
    photos.loc[photos.index[FIRST], "age_group"] = "30-59"
    photos.loc[photos.index[FIRST], "class"] += 1
    return photos


def few_old_men(photos: pd.DataFrame) -> pd.DataFrame:
    persons = photos.loc[(photos["gender"] == "male") & (photos["age"] == 70), "person"].unique()
    return photos[~photos["person"].isin(persons[2:])]


FLAWS: dict[str, tuple[Plant, dict[str, int]]] = {
    "no photos": (lambda photos: photos[:0], {"photos_exist": 1, "class_photos": 18}),
    "a photo twice": (
        lambda photos: pd.concat([photos, photos[:1]]),
        {"photos_unique": 2, "photos_per_person": 1},
    ),
    "a label missing, each once": (
        missing_labels,
        {**dict.fromkeys((f"{label}_given" for label in LABELS), 1), "photos_per_person": 2},
    ),
    "a state that is none": (change(0, state="maks"), {"state_known": 1, "photos_per_person": 1}),
    "a gender that is none": (change(FIRST, gender="man"), {"gender_known": 7, "folder_matches": 1}),
    "an age group that is none": (change(0, age_group="30s"), {"age_group_known": 1, "age_group_derived": 1}),
    "a class that is none": (change(0, **{"class": 18}), {"class_known": 1, "class_derived": 1}),
    "nobody is that old": (oldest_person_ages, {"age_in_bounds": 7}),
    "two genders": (
        change(0, gender="female", **{"class": encode_class("mask", "female", "<30")}),
        {"gender_constant": 1, "folder_matches": 1},
    ),
    "two ages": (change(0, age=26), {"age_constant": 1, "folder_matches": 1}),
    "a photo too few": (lambda photos: photos[1:], {"photos_per_person": 1}),
    "two photos without a mask": (
        change(5, state="normal", **{"class": encode_class("normal", "male", "<30")}),
        {"photos_per_person": 1},
    ),
    "a folder of another age": (change(FIRST, person="000000-1_male_Asian_26"), {"folder_matches": 1}),
    "an age group of another age": (wrong_age_group, {"age_group_derived": 7}),
    "a class of other attributes": (change(0, **{"class": 17}), {"class_derived": 1}),
    "a class too small": (few_old_men, {"class_photos": 2}),
}


def test_clean_catalog_meets_every_expectation(photos: pd.DataFrame) -> None:
    assert failures(photos) == {}


@pytest.mark.parametrize("flaw", FLAWS)
def test_flaw_fails_just_the_expectations_that_it_breaks(photos: pd.DataFrame, flaw: str) -> None:
    plant, expected = FLAWS[flaw]
    found = failures(plant(photos))
    assert {name: outcome.unexpected for name, outcome in found.items()} == expected
    assert all(outcome.examples for name, outcome in found.items() if name != "photos_exist")


def test_class_that_is_rare_beside_the_commonest_is_named(photos: pd.DataFrame) -> None:
    settings = SuiteSettings(balance=BalanceSettings(min_photos=0, min_ratio=0.3))
    assert failures(photos, settings)["class_ratio"].message == (
        "12 of 18 classes have less than 30.00% of the photos of the commonest class, such as "
        "incorrect male <30 (6 photos against 30). Add photos of those classes, or expect them to score low."
    )


def test_every_expectation_can_fail() -> None:
    names = [name_of(expectation) for suite in build_suites(USUAL) for expectation in suite.expectations]
    assert len(set(names)) == len(names)
    assert set(names) == {name for _, expected in FLAWS.values() for name in expected} | {"class_ratio"}


def test_age_bounds_are_settings(photos: pd.DataFrame) -> None:
    found = failures(photos, SuiteSettings(labels=LabelSettings(youngest=18, oldest=60)))
    assert {name: outcome.unexpected for name, outcome in found.items()} == {"age_in_bounds": 84}


def test_examples_are_a_few_of_many(photos: pd.DataFrame) -> None:
    found = failures(photos.assign(age=200))
    assert len(found["age_in_bounds"].examples) == len(found["age_group_derived"].examples) == 20


def test_severity_is_a_setting() -> None:
    suites = build_suites(SuiteSettings(severities={"age_constant": "info"}))
    severities = {name_of(expectation): expectation.severity for suite in suites for expectation in suite.expectations}
    assert (severities["age_constant"], severities["age_given"]) == ("info", "critical")


def test_severity_of_an_unknown_expectation_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"1 severities .* 'gender_konstant'. Did you mean 'gender_constant'\?"):
        build_suites(SuiteSettings(severities={"gender_konstant": "info"}))


def test_only_the_suites_asked_for_are_built() -> None:
    assert [suite.name for suite in build_suites(SuiteSettings(suites=("balance",)))] == ["balance"]


def test_expectation_that_cannot_be_checked_is_an_error_not_a_failure(photos: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"5 expectations could not be checked, such as .*gender"):
        run_suites(photos.drop(columns="gender"), build_suites(USUAL))


def test_validations_in_threads_do_not_mix(photos: pd.DataFrame) -> None:
    planted = [FLAWS[name] for name in ("a photo too few", "two ages", "a class too small")]
    frames = [plant(photos.copy()) for plant, _ in planted]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(failures, frames))
    assert [{name: o.unexpected for name, o in outcomes.items()} for outcomes in found] == [
        expected for _, expected in planted
    ]
