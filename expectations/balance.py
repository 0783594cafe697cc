"""The suite `balance`: every class has photos enough to be learnt."""

import great_expectations as gx

from expectations.class_rules import ExpectNoRareClass, ExpectPhotosInEveryClass
from expectations.settings import BalanceSettings
from expectations.wording import Words, worded

NAME = "balance"
COLUMNS = ("class",)
"""What the suite looks at."""
ADD_PHOTOS = "Add photos of those classes, or expect them to score low."


def build(settings: BalanceSettings) -> gx.ExpectationSuite:
    """The suite, for the training rows of a catalog."""
    least, share = f"{settings.min_photos:,}", f"{settings.min_ratio:.2%}"
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            worded(
                "class_photos",
                ExpectPhotosInEveryClass(column="class", min_photos=settings.min_photos),
                Words(
                    f"Every class has at least {least} photos.",
                    f"have fewer than {least} photos",
                    ADD_PHOTOS,
                    "classes",
                ),
                severity="warning",
            ),
            worded(
                "class_ratio",
                ExpectNoRareClass(column="class", min_ratio=settings.min_ratio),
                Words(
                    f"The rarest class has at least {share} of the photos of the commonest.",
                    f"have less than {share} of the photos of the commonest class",
                    ADD_PHOTOS,
                    "classes",
                ),
                severity="warning",
            ),
        ],
        meta={"columns": COLUMNS},
    )
