"""The suite `labels`: every training photo has the labels that it must have, and they agree with each other."""

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from expectations.label_rules import (
    ExpectAgeGroupOfAge,
    ExpectClassOfAttributes,
    ExpectFolderOfLabels,
    ExpectOneValuePerPerson,
    ExpectSevenPhotosPerPerson,
)
from expectations.settings import LabelSettings
from expectations.wording import worded
from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES

NAME = "labels"
CORRECT_CSV = "Correct train.csv."
REPORT_BUG = "The catalog step makes this, so it is a bug in Foldline: report it."


def build(settings: LabelSettings) -> gx.ExpectationSuite:
    """The suite, for the training rows of a catalog."""
    expectations = [
        *_photos(),
        *_presence(),
        *_values(settings),
        *_persons(),
        *_derived(),
    ]
    return gx.ExpectationSuite(NAME, expectations=expectations)


def _photos() -> list[Expectation]:
    return [
        worded(
            "photos_exist",
            gxe.ExpectTableRowCountToBeBetween(min_value=1),
            "There are training photos.",
            unit="catalog",
            flaw="has no training photos",
            remedy="Check that the data folder is the right one.",
        ),
        worded(
            "photos_unique",
            gxe.ExpectColumnValuesToBeUnique(column="photo"),
            "Every photo stands in the catalog once.",
            flaw="stand in the catalog more than once",
            remedy=REPORT_BUG,
        ),
    ]


def _presence() -> list[Expectation]:
    return [
        worded(
            f"{column}_given",
            gxe.ExpectColumnValuesToNotBeNull(column=column),
            f"Every training photo has a value for {column}.",
            flaw=f"have no value for {column}",
            remedy=CORRECT_CSV,
        )
        for column in ("person", "group", "state", "gender", "age", "age_group", "class")
    ]


def _values(settings: LabelSettings) -> list[Expectation]:
    sets = {"state": STATES, "gender": GENDERS, "age_group": AGE_GROUPS, "class": tuple(range(CLASS_COUNT))}
    return [
        *(_known_values(column, values) for column, values in sets.items()),
        worded(
            "age_in_bounds",
            gxe.ExpectColumnValuesToBeBetween(column="age", min_value=settings.youngest, max_value=settings.oldest),
            f"Ages are {settings.youngest} to {settings.oldest} years.",
            flaw=f"have an age below {settings.youngest} or above {settings.oldest}",
            remedy=f"{CORRECT_CSV} If the age is right, widen the bounds (validation.labels.oldest).",
        ),
    ]


def _known_values(column: str, values: tuple[str | int, ...]) -> Expectation:
    named = f"{values[0]} to {values[-1]}" if column == "class" else ", ".join(map(str, values))
    return worded(
        f"{column}_known",
        gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values)),
        f"The {column} is one of: {named}.",
        flaw=f"have a {column} that is none of {named}",
        remedy=CORRECT_CSV,
    )


def _persons() -> list[Expectation]:
    return [
        *(
            worded(
                f"{column}_constant",
                ExpectOneValuePerPerson(column=column),
                f"All photos of a person have the same {column}.",
                unit="persons",
                flaw=f"have more than one {column}",
                remedy=CORRECT_CSV,
            )
            for column in ("gender", "age")
        ),
        worded(
            "photos_per_person",
            ExpectSevenPhotosPerPerson(column="person"),
            "A person has five mask photos, one incorrect and one normal.",
            unit="persons",
            flaw="do not have 5 mask photos, 1 incorrect and 1 normal",
            remedy="Complete the folder, or delete it and its row in train.csv.",
        ),
        worded(
            "folder_matches",
            ExpectFolderOfLabels(column="person"),
            "The folder name of a person, {id}_{gender}_{race}_{age}, says what train.csv says.",
            unit="persons",
            flaw="have a folder name that disagrees with train.csv",
            remedy="Correct the one that is wrong.",
        ),
    ]


def _derived() -> list[Expectation]:
    return [
        worded(
            "age_group_derived",
            ExpectAgeGroupOfAge(column="age_group"),
            "The age group is that of the age.",
            flaw="have an age group that is not that of their age",
            remedy=REPORT_BUG,
        ),
        worded(
            "class_derived",
            ExpectClassOfAttributes(column="class"),
            "The class is that of state, gender and age group.",
            flaw="have a class that is not that of their state, gender and age group",
            remedy=REPORT_BUG,
        ),
    ]
