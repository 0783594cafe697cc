"""The suite `labels`: every training photo has the labels that it must have, and they agree with each other."""

from collections.abc import Sequence

import great_expectations as gx
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_be_unique import ExpectColumnValuesToBeUnique
from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull
from great_expectations.expectations.core.expect_table_row_count_to_be_between import ExpectTableRowCountToBeBetween
from great_expectations.expectations.expectation import Expectation

from expectations.label_rules import (
    ExpectAgeGroupOfAge,
    ExpectClassOfAttributes,
    ExpectFolderOfLabels,
    ExpectOnePersonPerId,
    ExpectOneValuePerPerson,
    ExpectSevenPhotosPerPerson,
)
from expectations.settings import LabelSettings, Severity
from expectations.wording import Words, worded
from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES

NAME = "labels"
LABELS = ("person", "group", "state", "gender", "age", "age_group", "class")
COLUMNS = ("photo", *LABELS, "race", "given_state", "given_gender", "given_age")
"""What the suite looks at."""
OLDEST_EVER = 122
"""Years; nobody is known to have been older."""
CORRECT_CSV = "Correct train.csv."
REPORT_BUG = "The catalog step makes this, so it is a bug in Foldline: report it."


def build(settings: LabelSettings) -> gx.ExpectationSuite:
    """The suite, for the training rows of a catalog."""
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            *_photos(),
            *(_given(column) for column in LABELS),
            _given("race", severity="info"),
            _known("state", STATES),
            _known("gender", GENDERS),
            _known("age_group", AGE_GROUPS),
            _known("class", range(CLASS_COUNT), f"0 to {CLASS_COUNT - 1}"),
            *_ages(settings),
            *_persons(),
            *_derived(),
        ],
        meta={"columns": COLUMNS},
    )


def _photos() -> list[Expectation]:
    return [
        worded(
            "photos_exist",
            ExpectTableRowCountToBeBetween(min_value=1),
            Words(
                "There are training photos.",
                "has no training photos",
                "Check that the data folder is the right one.",
                unit="catalog",
            ),
        ),
        worded(
            "photos_unique",
            ExpectColumnValuesToBeUnique(column="photo"),
            Words("Every photo stands in the catalog once.", "stand in the catalog more than once", REPORT_BUG),
        ),
    ]


def _given(column: str, severity: Severity = "critical") -> Expectation:
    return worded(
        f"{column}_given",
        ExpectColumnValuesToNotBeNull(column=column),
        Words(f"Every photo has a value for {column}.", f"have no value for {column}", CORRECT_CSV),
        severity,
    )


def _known(column: str, values: Sequence[str | int], named: str = "") -> Expectation:
    named = named or ", ".join(map(str, values))
    return worded(
        f"{column}_known",
        ExpectColumnValuesToBeInSet(column=column, value_set=list(values)),
        Words(f"The {column} is one of {named}.", f"have a {column} that is none of {named}", CORRECT_CSV),
    )


def _ages(settings: LabelSettings) -> list[Expectation]:
    youngest, oldest = settings.youngest, settings.oldest
    return [
        worded(
            "age_possible",
            ExpectColumnValuesToBeBetween(column="age", min_value=0, max_value=OLDEST_EVER),
            Words(f"Ages are 0 to {OLDEST_EVER} years.", f"have an age above {OLDEST_EVER}", CORRECT_CSV),
        ),
        worded(
            "age_usual",
            ExpectColumnValuesToBeBetween(column="age", min_value=youngest, max_value=oldest),
            Words(
                f"Ages are {youngest} to {oldest} years.",
                f"have an age below {youngest} or above {oldest}",
                f"{CORRECT_CSV} If the age is right, widen the bounds (validation.labels).",
            ),
            severity="warning",
        ),
    ]


def _persons() -> list[Expectation]:
    return [
        *(_constant(column) for column in ("gender", "age", "race")),
        worded(
            "ids_unique",
            ExpectOnePersonPerId(column="group"),
            Words(
                "An id, without a suffix such as -1, belongs to one person.",
                "belong to several persons",
                "Nothing needs to be done: persons with one id stay in one fold, in case they are the same.",
                unit="ids",
            ),
            severity="warning",
        ),
        worded(
            "photos_per_person",
            ExpectSevenPhotosPerPerson(column="person"),
            Words(
                "A person has five mask photos, one incorrect and one normal.",
                "do not have 5 mask photos, 1 incorrect and 1 normal",
                "Complete the folder, or delete it and its row in train.csv.",
                unit="persons",
            ),
        ),
        worded(
            "folder_matches",
            ExpectFolderOfLabels(column="person"),
            Words(
                "The folder name of a person, {id}_{gender}_{race}_{age}, says what train.csv says.",
                "have a folder name that disagrees with train.csv",
                "Correct the one that is wrong.",
                unit="persons",
            ),
        ),
    ]


def _constant(column: str) -> Expectation:
    return worded(
        f"{column}_constant",
        ExpectOneValuePerPerson(column=column),
        Words(
            f"All photos of a person have the same {column}.",
            f"have more than one {column}",
            CORRECT_CSV,
            unit="persons",
        ),
    )


def _derived() -> list[Expectation]:
    return [
        worded(
            "age_group_derived",
            ExpectAgeGroupOfAge(column="age_group"),
            Words("The age group is that of the age.", "have an age group that is not that of their age", REPORT_BUG),
        ),
        worded(
            "class_derived",
            ExpectClassOfAttributes(column="class"),
            Words(
                "The class is that of state, gender and age group.",
                "have a class that is not that of their state, gender and age group",
                REPORT_BUG,
            ),
        ),
    ]
