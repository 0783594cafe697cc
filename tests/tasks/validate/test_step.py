import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from expectations.settings import DriftSettings, LabelSettings
from tasks.data_folder.local import LocalFolder
from tasks.store import Artifact, Ledger
from tasks.tables import OFFENDERS, RESULTS
from tasks.validate.settings import SuiteSettings, ValidationSettings
from tasks.validate.step import (
    validate_data,
    validate_drift,
    validate_faces,
    validate_folds,
    validate_submission,
)
from tests.tasks.validate.clean import CATALOG, CLEAN, OF_PERSON
from tests.tasks.validate.stored import store_boxes, store_catalog, store_folds, store_submission

USUAL = ValidationSettings()
NOWHERE = LocalFolder(Path("nowhere"))
"""Photos that are gone are not missed."""


@pytest.fixture
def stored(ledger: Ledger) -> Artifact:
    return store_catalog(ledger, CATALOG)


def test_failures_are_stored_with_all_that_broke_them_and_their_report(ledger: Ledger, catalog: pd.DataFrame) -> None:
    catalog.loc[range(OF_PERSON), "gender"] = "man"
    artifact = validate_data(ledger, NOWHERE, store_catalog(ledger, catalog), USUAL)
    results = RESULTS.read(artifact.path("results.parquet"))
    assert list(results.loc[~results["success"], "expectation"]) == ["gender_known"]
    assert results.set_index("expectation").at["gender_known", "example"] == f"{catalog.at[0, 'photo']} (man)"
    assert OFFENDERS.read(artifact.path("offenders.parquet"))["key"].tolist() == catalog["photo"][:OF_PERSON].tolist()
    assert artifact.path("data_docs/index.html").is_file()
    assert artifact.manifest.summary == {"expectations": 39, "failed": {"critical": 1, "warning": 0, "info": 0}}


def test_every_subject_is_validated_from_what_is_stored(ledger: Ledger, stored: Artifact) -> None:
    boxes, folds = store_boxes(ledger, CLEAN["faces"]), store_folds(ledger, CLEAN["folds"])
    submission = store_submission(ledger, CLEAN["submission"])
    validations = [
        validate_data(ledger, NOWHERE, stored, USUAL),
        validate_drift(ledger, NOWHERE, stored, stored, USUAL),
        validate_drift(ledger, NOWHERE, stored, {"gender": {"male": 0.5, "female": 0.5}}, USUAL),
        validate_faces(ledger, NOWHERE, stored, boxes, USUAL),
        validate_folds(ledger, NOWHERE, stored, folds, USUAL),
        validate_submission(ledger, stored, submission, USUAL),
    ]
    summaries = [validation.manifest.summary for validation in validations]
    assert [summary["expectations"] for summary in summaries] == [39, 9, 1, 9, 3, 5]
    assert all(summary["failed"] == {"critical": 0, "warning": 0, "info": 0} for summary in summaries)


def test_only_what_is_expected_decides_whether_a_validation_is_reused(ledger: Ledger, stored: Artifact) -> None:
    other_gate, other_suite, other_bounds = (
        ValidationSettings(stop_at="never"),
        SuiteSettings(drift=DriftSettings(most_sizes=0.5)),
        SuiteSettings(labels=LabelSettings(oldest=65)),
    )
    reused = [
        validate_data(ledger, NOWHERE, stored, settings).reused
        for settings in (USUAL, other_gate, other_suite, other_bounds)
    ]
    assert reused == [False, True, True, False]


def test_validation_beside_other_shares_is_another(ledger: Ledger, stored: Artifact) -> None:
    halves, thirds = {"gender": {"male": 0.5, "female": 0.5}}, {"gender": {"male": 0.3, "female": 0.7}}
    reused = [validate_drift(ledger, NOWHERE, stored, shares, USUAL).reused for shares in (halves, thirds, halves)]
    assert reused == [False, False, True]


def test_reused_validation_does_not_load_great_expectations(ledger: Ledger, stored: Artifact) -> None:
    validate_data(ledger, NOWHERE, stored, USUAL)
    script = f"""
import sys
from pathlib import Path
from tasks.data_folder.local import LocalFolder
from tasks.store import ArtifactRef, Ledger
from tasks.store.folder import FolderBackend
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_data
ledger = Ledger(FolderBackend(Path({ledger.backend.url!r})))
catalog = ledger.get(ArtifactRef(step="catalog", key={stored.ref.key!r}))
assert validate_data(ledger, LocalFolder(Path("nowhere")), catalog, ValidationSettings()).reused
assert "great_expectations" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
