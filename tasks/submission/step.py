"""The step: from blended probabilities to a submission."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import JsonValue

from tasks.classes import CLASS_COUNT, class_name
from tasks.errors import DataError, fault, raise_faults
from tasks.store import Artifact, Ledger, Step
from tasks.submission.csv_file import check_submission, write_submission
from tasks.tables import CATALOG, CLASS_COLUMNS, PROBABILITIES

STEP = Step(name="submission", package="tasks.submission")


def make_submission(ledger: Ledger, catalog: Artifact, ensemble: Artifact) -> Artifact:
    """The likeliest class of every evaluation photo: submission.csv and receipt.json.

    Raises:
        DataError: the ensemble did not look at just the evaluation photos of the catalog, or a probability is not a
            finite number.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        photos = _photos(catalog)
        answers = likeliest_classes(PROBABILITIES.read(ensemble.path("eval.parquet")), photos)
        images = _images(photos)
        write_submission(folder / "submission.csv", images, answers.tolist())
        check_submission(folder / "submission.csv", images)
        counts = np.bincount(answers, minlength=CLASS_COUNT).tolist()
        receipt: dict[str, JsonValue] = {
            "rows": len(images),
            "macro_f1_out_of_fold": ensemble.manifest.summary["macro_f1"],
            "photos_by_class": {class_name(number): count for number, count in enumerate(counts)},
            "ensemble": str(ensemble.ref),
            "catalog": str(catalog.ref),
        }
        (folder / "receipt.json").write_text(json.dumps(receipt, indent=2))
        return {"rows": len(images)}

    return ledger.produce(STEP, {"catalog": catalog, "ensemble": ensemble}, None, compute)


def check_again(catalog: Artifact, submission: Artifact) -> None:
    """See that what the store keeps of a submission may be sent.

    Raises:
        CorruptFileError: it is not as it was written.
        DataError: it does not answer the evaluation photos of the catalog.
    """
    check_submission(submission.path("submission.csv"), _images(_photos(catalog)))


def _photos(catalog: Artifact) -> list[str]:
    """The evaluation photos, in the order of info.csv."""
    table = CATALOG.read(catalog.path("catalog.parquet"))
    return [str(photo) for photo in table.loc[table["split"] == "eval", "photo"]]


def _images(photos: list[str]) -> list[str]:
    return [Path(photo).name for photo in photos]


def likeliest_classes(probabilities: pd.DataFrame, photos: list[str]) -> NDArray[np.int64]:
    """The likeliest class of each of `photos`, shape (photos,).

    Raises:
        DataError: the table is not about just these photos in this order, or has a probability that is no number.
    """
    if probabilities["photo"].tolist() != photos:
        raise DataError(
            f"The ensemble answers {len(probabilities)} photos, but not the {len(photos)} evaluation photos of the "
            "catalog in their order. Make the ensemble again from this catalog."
        )
    values = probabilities[CLASS_COLUMNS].to_numpy()
    broken = [photo for photo, row in zip(photos, values, strict=True) if not np.isfinite(row).all()]
    raise_faults(
        fault(
            "photos have a probability that is no number",
            broken,
            "Look at the fold models' history, and train again with a lower learning rate.",
        ),
        "There can be no submission",
    )
    return np.asarray(values.argmax(axis=1), np.int64)
