"""The suite `drift`: new data beside a reference, such as the data of the champion."""

from collections.abc import Mapping

import great_expectations as gx
from great_expectations.expectations.expectation import Expectation

from expectations.drift_rules import (
    ExpectNobodyGone,
    ExpectNobodyNew,
    ExpectSameLabels,
    ExpectSteadyBrightness,
    ExpectSteadySizes,
)
from expectations.photo_rules import MEANS
from expectations.settings import DriftSettings
from expectations.share_rules import Counted, ExpectSharesLike
from expectations.wording import Words, worded

NAME = "drift"
COLUMNS = (
    *("data", "photo", "split", "person", "state", "gender", "age", "age_group", "class"),
    *("sha256", "problem", "width", "height", *MEANS),
)
"""What the suite looks at."""
SEE = "See whether it may be so; the next champion's data becomes the reference."
SHARES: dict[str, tuple[str, Counted, str]] = {
    "class": ("class", "photos", "classes"),
    "state": ("mask", "photos", "mask states"),
    "gender": ("gender", "persons", "genders"),
    "age_group": ("age_group", "persons", "age groups"),
}
"""Columns whose shares are compared: their name among the figures of a catalog, of what, and what they are called."""

Shares = Mapping[str, Mapping[str, float]]
"""Shares by figure and value, as `eda.json` of a catalog has them."""


def build(settings: DriftSettings, reference: Shares, *, photos: bool) -> gx.ExpectationSuite:
    """The suite, for the rows of a catalog, `data` being `new`, and of the reference, if there are any.

    Args:
        settings: what is expected.
        reference: shares that the data had; figures that it lacks are not compared.
        photos: whether the table has rows of the reference; else shares alone can be compared.
    """
    shares = [_shares(column, reference, settings) for column in SHARES if SHARES[column][0] in reference]
    expectations = [*shares, *(_photos(settings) if photos else [])]
    return gx.ExpectationSuite(NAME, expectations=expectations, meta={"columns": COLUMNS})


def _shares(column: str, reference: Shares, settings: DriftSettings) -> Expectation:
    figure, counted, unit = SHARES[column]
    return worded(
        f"{column}_shares",
        ExpectSharesLike(
            column=column, reference=dict(reference[figure]), most=settings.most_divergence, counted=counted
        ),
        Words(
            f"Shares of {unit} among the {counted} are like the reference's, but for a divergence of "
            f"{settings.most_divergence:g}.",
            "have other shares than in the reference",
            SEE,
            unit,
        ),
        severity="warning",
    )


def _photos(settings: DriftSettings) -> list[Expectation]:
    return [
        worded(
            "brightness_steady",
            ExpectSteadyBrightness(column="brightness", most=settings.most_brightness),
            Words(
                f"The mean brightness has moved by at most {settings.most_brightness:g} standard deviations.",
                "have another brightness than in the reference",
                SEE,
                "splits",
            ),
            severity="warning",
        ),
        worded(
            "sizes_steady",
            ExpectSteadySizes(column="width", most=settings.most_sizes),
            Words(
                f"At most {settings.most_sizes:.0%} of the photos have another size than in the reference.",
                "have other shares than in the reference",
                SEE,
                "sizes",
            ),
            severity="warning",
        ),
        worded(
            "persons_kept",
            ExpectNobodyGone(column="person"),
            Words("All persons of the reference are there.", "of the reference are gone", SEE, "persons"),
            severity="warning",
        ),
        worded(
            "persons_known",
            ExpectNobodyNew(column="person"),
            Words(
                "All persons were in the reference.",
                "were not in the reference",
                "Nothing needs to be done.",
                "persons",
            ),
            severity="info",
        ),
        worded(
            "labels_kept",
            ExpectSameLabels(column="class"),
            Words("Photos have the labels that they had.", "have other labels than in the reference", SEE),
            severity="warning",
        ),
    ]
