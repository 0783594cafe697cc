"""The suite `submission`: the file is as the competition reads it, and predicts what can be."""

from collections.abc import Mapping

import great_expectations as gx

from expectations.settings import SubmissionSettings
from expectations.share_rules import ExpectSharesLike
from expectations.submission_rules import (
    ExpectAnswersInRange,
    ExpectEveryClassPredicted,
    ExpectEveryImageAnswered,
    ExpectOrderOfImages,
)
from expectations.wording import Words, worded
from tasks.classes import CLASS_COUNT

NAME = "submission"
COLUMNS = ("image", "answer", "expected")
"""What the suite looks at."""
REPORT_BUG = "Foldline writes this file, so it is a bug: report it, and do not send the file."


def build(settings: SubmissionSettings, learnt: Mapping[str, float]) -> gx.ExpectationSuite:
    """The suite, for a submission beside info.csv: columns `image`, `answer` and `expected`, the image of info.csv.

    Args:
        settings: what is expected.
        learnt: shares of the classes among the training photos, by their numbers.
    """
    return gx.ExpectationSuite(
        NAME,
        expectations=[
            worded(
                "images_answered",
                ExpectEveryImageAnswered(column="image"),
                Words("Every image of info.csv has one row.", "do not have just one row", REPORT_BUG, "images"),
            ),
            worded(
                "images_in_order",
                ExpectOrderOfImages(column="image"),
                Words("Images are in the order of info.csv.", "are not where info.csv has them", REPORT_BUG, "images"),
            ),
            worded(
                "answers_in_range",
                ExpectAnswersInRange(column="answer"),
                Words(
                    f"An answer is a class, 0 to {CLASS_COUNT - 1}.",
                    "have an answer that is none",
                    REPORT_BUG,
                    "images",
                ),
            ),
            worded(
                "classes_predicted",
                ExpectEveryClassPredicted(column="answer", learnt=dict(learnt)),
                Words(
                    "Every class that was learnt is predicted.",
                    "are never predicted, and count 0 in the score",
                    "Look at their scores in the report; add photos of them, or weigh them more.",
                    "classes",
                ),
                severity="warning",
            ),
            worded(
                "predicted_shares",
                ExpectSharesLike(
                    column="answer", reference=dict(learnt), most=settings.most_divergence, counted="photos"
                ),
                Words(
                    "Predicted class shares are like those of the training photos, but for a divergence of "
                    f"{settings.most_divergence:g}.",
                    "have other shares among the predictions than among the training photos",
                    "See whether the evaluation photos may differ so much.",
                    "classes",
                ),
                severity="info",
            ),
        ],
        meta={"columns": COLUMNS},
    )
