"""The suite `faces`: the search for faces seldom goes wrong, and in no class more than in others."""

import great_expectations as gx

from expectations.face_rules import (
    ExpectFirstDetector,
    ExpectSeldomTrouble,
    ExpectTroubleInNoClass,
    Trouble,
)
from expectations.settings import FaceSettings, Severity
from expectations.wording import Words, worded
from tasks.tables import BOX_SIDES

NAME = "faces"
COLUMNS = ("photo", "class", "width", "height", *BOX_SIDES, "source", "undersized", "faces")
"""What the suite looks at."""
TRY = "Look at them in the quality report; try other detectors (faces.detectors), or a centre crop (faces.crop)."
TROUBLES: dict[Trouble, tuple[str, Severity]] = {
    "no_face": ("no face that a detector finds", "warning"),
    "several_faces": ("several faces", "info"),
    "tiny_face": ("a face too small to be believed", "warning"),
    "cut_off": ("a face at the photo's edge", "info"),
}
"""What can be wrong with a box, in words, and what it means."""


def build(settings: FaceSettings) -> gx.ExpectationSuite:
    """The suite, for the rows of a catalog beside their boxes."""
    most, most_of_class = f"{settings.most:.1%}", f"{settings.most_of_class:.1%}"
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            *(
                worded(
                    f"{trouble}_seldom",
                    ExpectSeldomTrouble(column="source", trouble=trouble, most=settings.most),
                    Words(f"At most {most} of the photos have {what}.", f"have {what}, more than {most}", TRY),
                    severity=severity,
                )
                for trouble, (what, severity) in TROUBLES.items()
            ),
            *(
                worded(
                    f"{trouble}_in_no_class",
                    ExpectTroubleInNoClass(column="class", trouble=trouble, most=settings.most_of_class),
                    Words(
                        f"In no class do more than {most_of_class} of the photos have {what}.",
                        f"have {what} in more than {most_of_class} of their photos",
                        TRY,
                        "classes",
                    ),
                    severity=severity,
                )
                for trouble, (what, severity) in TROUBLES.items()
            ),
            worded(
                "first_detector",
                ExpectFirstDetector(column="source", most=settings.most_by_others),
                Words(
                    f"One detector finds most faces, and no other more than {settings.most_by_others:.0%} of them.",
                    f"find more than {settings.most_by_others:.0%} of the faces, beside the one that finds most",
                    "Ask the one that finds most first (faces.detectors).",
                    "detectors",
                ),
                severity="info",
            ),
        ],
        meta={"columns": COLUMNS},
    )
