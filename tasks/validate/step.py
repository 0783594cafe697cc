"""The step: from a table to what became of every expectation, as tables and as Data Docs."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import JsonValue

from tasks.data_folder import DataFolder
from tasks.store import Artifact, Ledger, Step, digest_json
from tasks.validate.settings import ARTIFACTS, Subject, SuiteSettings
from tasks.validate.tables import (
    Shares,
    Validated,
    read_data,
    read_drift,
    read_faces,
    read_folds,
    read_submission,
)

STEPS = {
    subject: Step(name=name, package="tasks.validate", libraries=("great-expectations", "pandas"))
    for subject, name in ARTIFACTS.items()
}
TITLES: Mapping[Subject, str] = {
    "data": "Validation of the data",
    "drift": "The data beside earlier data",
    "faces": "Validation of the faces",
    "folds": "Validation of the folds",
    "submission": "Validation of the submission",
}
"""Titles of the Data Docs."""


def validate_data(ledger: Ledger, data: DataFolder, catalog: Artifact, settings: SuiteSettings) -> Artifact:
    """The validation of a catalog: results.parquet, offenders.parquet, and Data Docs from data_docs/index.html.

    Failures are results like others: `tasks.validate.gate` decides whether they stop the flow.

    Args:
        ledger: where the validation goes.
        data: where the photos of the catalog lie, for those that are shown; one that is gone is not missed.
        catalog: what is validated.
        settings: what is expected.

    Raises:
        ConfigError: a severity is given for an expectation that does not exist.
        DataError: an expectation could not be checked.
    """
    return _validate(ledger, "data", {"catalog": catalog}, settings, lambda: read_data(catalog), data)


def validate_drift(
    ledger: Ledger, data: DataFolder, catalog: Artifact, reference: Artifact | Shares, settings: SuiteSettings
) -> Artifact:
    """The validation of a catalog beside an earlier one, or beside mere shares; as `validate_data`."""
    known = reference if isinstance(reference, Artifact) else digest_json(reference)
    inputs = {"catalog": catalog, "reference": known}
    return _validate(ledger, "drift", inputs, settings, lambda: read_drift(catalog, reference), data)


def validate_faces(
    ledger: Ledger, data: DataFolder, catalog: Artifact, boxes: Artifact, settings: SuiteSettings
) -> Artifact:
    """The validation of the boxes of a catalog's photos; as `validate_data`."""
    inputs = {"catalog": catalog, "boxes": boxes}
    return _validate(ledger, "faces", inputs, settings, lambda: read_faces(catalog, boxes), data)


def validate_folds(
    ledger: Ledger, data: DataFolder, catalog: Artifact, folds: Artifact, settings: SuiteSettings
) -> Artifact:
    """The validation of the folds of a catalog's photos; as `validate_data`."""
    inputs = {"catalog": catalog, "folds": folds}
    return _validate(ledger, "folds", inputs, settings, lambda: read_folds(catalog, folds), data)


def validate_submission(ledger: Ledger, catalog: Artifact, submission: Artifact, settings: SuiteSettings) -> Artifact:
    """The validation of a submission for a catalog's evaluation photos; as `validate_data`."""
    inputs = {"catalog": catalog, "submission": submission}
    return _validate(ledger, "submission", inputs, settings, lambda: read_submission(catalog, submission))


def _validate(
    ledger: Ledger,
    subject: Subject,
    inputs: Mapping[str, Artifact | str],
    settings: SuiteSettings,
    read: Callable[[], Validated],
    data: DataFolder | None = None,
) -> Artifact:
    expected = settings.about(subject)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        from tasks.validate.docs.gallery import make_gallery
        from tasks.validate.docs.site import NOTHING, build_site
        from tasks.validate.outcomes import write_outcomes
        from tasks.validate.run import run_suites
        from tasks.validate.suites import build_suites

        validated = read()
        outcomes = run_suites(validated.rows, build_suites(expected, validated))
        counts = {suite: len(validated.rows[suite]) for suite in expected.suites}
        gallery = make_gallery(validated, outcomes, data) if data else NOTHING
        build_site(folder / "data_docs", TITLES[subject], counts, outcomes, gallery)
        return write_outcomes(folder, outcomes)

    return ledger.produce(STEPS[subject], inputs, expected, compute)
