"""The suite `balance`: every class has photos enough to be learnt."""

import great_expectations as gx

from expectations.class_rules import ExpectNoRareClass, ExpectPhotosInEveryClass
from expectations.settings import BalanceSettings
from expectations.wording import worded

NAME = "balance"
ADD_PHOTOS = "Add photos of those classes, or expect them to score low."


def build(settings: BalanceSettings) -> gx.ExpectationSuite:
    """The suite, for the training rows of a catalog."""
    share = f"{settings.min_ratio:.2%}"
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            worded(
                "class_photos",
                ExpectPhotosInEveryClass(column="class", min_photos=settings.min_photos),
                f"Every class has at least {settings.min_photos:,} photos.",
                unit="classes",
                flaw=f"have fewer than {settings.min_photos:,} photos",
                remedy=ADD_PHOTOS,
                severity="warning",
            ),
            worded(
                "class_ratio",
                ExpectNoRareClass(column="class", min_ratio=settings.min_ratio),
                f"The rarest class has at least {share} of the photos of the commonest.",
                unit="classes",
                flaw=f"have less than {share} of the photos of the commonest class",
                remedy=ADD_PHOTOS,
                severity="warning",
            ),
        ],
    )
