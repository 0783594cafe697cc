"""The suite `folds`: nobody is learnt from in one fold and scored in another, and folds are alike."""

import great_expectations as gx

from expectations.fold_rules import ExpectAlikeFolds, ExpectLookalikesInOneFold, ExpectOneFoldPerGroup
from expectations.settings import FoldSettings
from expectations.wording import Words, worded

NAME = "folds"
COLUMNS = ("photo", "group", "class", "phash", "fold")
"""What the suite looks at."""


def build(settings: FoldSettings) -> gx.ExpectationSuite:
    """The suite, for the training rows of a catalog with their `fold`; those kept aside left out."""
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            worded(
                "person_in_one_fold",
                ExpectOneFoldPerGroup(column="group"),
                Words(
                    "All photos of an id lie in one fold.",
                    "lie in several folds: the same faces are learnt from and scored",
                    "Split by person (folds.by=person), or set this to a warning (validation.severities) to reproduce "
                    "such a split.",
                    "ids",
                ),
            ),
            worded(
                "lookalikes_in_one_fold",
                ExpectLookalikesInOneFold(column="phash", most_bits=settings.like_bits),
                Words(
                    "No two photos that look the same lie in two folds.",
                    "look the same as a photo of another person in another fold",
                    "Find out whose photo it is, and delete the others.",
                ),
                severity="warning",
            ),
            worded(
                "folds_alike",
                ExpectAlikeFolds(column="class", most=settings.most_unlike),
                Words(
                    f"Class shares of a fold are those of all photos, but for a distance of {settings.most_unlike:g}.",
                    "have other class shares than all photos together",
                    "Add persons of rare classes, or ask for fewer folds (folds.count).",
                    "folds",
                ),
                severity="warning",
            ),
        ],
        meta={"columns": COLUMNS},
    )
