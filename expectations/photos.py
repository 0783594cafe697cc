"""The suite `photos`: photos can be learnt from, and none is there twice."""

import great_expectations as gx
from great_expectations.expectations.expectation import Expectation

from expectations.photo_rules import (
    MEANS,
    SQUARES,
    ExpectAspect,
    ExpectBrightness,
    ExpectContrast,
    ExpectDecodablePhotos,
    ExpectNoCopies,
    ExpectNoLookalikes,
    ExpectOneSize,
    ExpectSharpness,
    ExpectSide,
    Where,
)
from expectations.settings import PhotoSettings, Severity
from expectations.wording import Words, worded

NAME = "photos"
COLUMNS = (
    *("photo", "split", "person", "sha256", "problem", "width", "height"),
    *(*MEANS, *SQUARES, "sharpness", "phash"),
)
"""What the suite looks at."""
REPLACE = "Replace them, or delete them with their rows."
LOOK = "Look at them in the quality report, and replace those that show no face."
PAIRS: dict[Where, tuple[str, str]] = {
    "person": ("of one person", "another photo of the person"),
    "persons": ("of two persons", "a photo of another person"),
    "splits": ("of which one is to be learnt from and one to be predicted", "a photo of the other split"),
}
"""Which two photos are compared, in words: both, and what the one is to the other."""
SAME_PHOTO = {
    "person": "Add the photos that are missing, if these were copied in their place.",
    "persons": "Find out whose photo it is, and delete the others.",
    "splits": "Scores on the evaluation photos would be too good: delete them from the training photos.",
}
"""What to do about photos that are there twice."""


def build(settings: PhotoSettings) -> gx.ExpectationSuite:
    """The suite, for all rows of a catalog."""
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            worded(
                "decodable",
                ExpectDecodablePhotos(column="photo"),
                Words("Every photo can be decoded.", "cannot be decoded", REPLACE),
            ),
            *_sizes(settings),
            *_light(settings),
            *(_no_copies(where) for where in PAIRS),
            *(_no_lookalikes(where, settings.like_bits) for where in PAIRS),
        ],
        meta={"columns": COLUMNS},
    )


def _sizes(settings: PhotoSettings) -> list[Expectation]:
    low, high = settings.least_aspect, settings.greatest_aspect
    return [
        worded(
            "side_enough",
            ExpectSide(column="width", low=settings.least_side),
            Words(
                f"The shorter side of a photo has at least {settings.least_side} pixels.",
                f"have a side of fewer than {settings.least_side} pixels",
                REPLACE,
            ),
            severity="warning",
        ),
        worded(
            "aspect_usual",
            ExpectAspect(column="width", low=low, high=high),
            Words(
                f"A photo is {low:g} to {high:g} times as wide as high.",
                f"are less than {low:g} or more than {high:g} times as wide as high",
                "Crop or turn them.",
            ),
            severity="warning",
        ),
        worded(
            "one_size",
            ExpectOneSize(column="width"),
            Words("All photos have the same size.", "have another size than most", "Nothing needs to be done."),
            severity="info",
        ),
    ]


def _light(settings: PhotoSettings) -> list[Expectation]:
    dark, bright = settings.least_brightness, settings.greatest_brightness
    return [
        worded(
            "brightness_usual",
            ExpectBrightness(column="brightness", low=dark, high=bright),
            Words(
                f"The mean brightness of a photo is {dark:g} to {bright:g}, of 1.",
                f"have a mean brightness below {dark:g} or above {bright:g}",
                LOOK,
            ),
            severity="warning",
        ),
        worded(
            "contrast_enough",
            ExpectContrast(column="brightness", low=settings.least_contrast),
            Words(
                f"The brightness within a photo varies by at least {settings.least_contrast:g}, of 1.",
                f"are blank: their brightness varies by less than {settings.least_contrast:g}",
                LOOK,
            ),
            severity="warning",
        ),
        worded(
            "sharp_enough",
            ExpectSharpness(column="sharpness", low=settings.least_sharpness),
            Words(
                f"Photos are sharp: the variance of the Laplacian is at least {settings.least_sharpness:g}.",
                f"are blurred: their variance of the Laplacian is below {settings.least_sharpness:g}",
                LOOK,
            ),
            severity="warning",
        ),
    ]


def _no_copies(where: Where) -> Expectation:
    which, other = PAIRS[where]
    return worded(
        f"no_copies_{where}",
        ExpectNoCopies(column="sha256", where=where),
        Words(f"No two photos {which} have the same bytes.", f"have the very bytes of {other}", SAME_PHOTO[where]),
        severity="warning",
    )


def _no_lookalikes(where: Where, bits: int) -> Expectation:
    which, other = PAIRS[where]
    severity: Severity = "info" if where == "person" else "warning"
    return worded(
        f"no_lookalikes_{where}",
        ExpectNoLookalikes(column="phash", where=where, most_bits=bits),
        Words(
            f"No two photos {which} look the same: perceptual hashes differ in more than {bits} of 256 bits.",
            f"look the same as {other}",
            SAME_PHOTO[where],
        ),
        severity=severity,
    )
