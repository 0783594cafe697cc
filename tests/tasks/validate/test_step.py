import subprocess
import sys
from collections.abc import Callable

import pandas as pd

from expectations.settings import LabelSettings
from tasks.store import Artifact, Ledger
from tasks.tables import RESULTS
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_catalog

Store = Callable[[Ledger, pd.DataFrame], Artifact]
USUAL = ValidationSettings()


def test_failures_are_stored_with_their_report(ledger: Ledger, store_catalog: Store, catalog: pd.DataFrame) -> None:
    catalog.loc[0, "age"] = 26
    artifact = validate_catalog(ledger, store_catalog(ledger, catalog), USUAL)
    results = RESULTS.read(artifact.path("results.parquet"))
    assert list(results.loc[~results["success"], "expectation"]) == ["folder_matches", "age_constant"]
    assert results.set_index("expectation").loc["age_constant", "example"] == "000000-1_male_Asian_25 (26, 25)"
    assert artifact.path("data_docs/index.html").is_file()
    assert artifact.manifest.summary == {"expectations": 22, "failed": {"critical": 2, "warning": 0, "info": 0}}


def test_only_what_is_expected_decides_whether_a_validation_is_reused(
    ledger: Ledger, store_catalog: Store, catalog: pd.DataFrame
) -> None:
    stored = store_catalog(ledger, catalog)
    first = validate_catalog(ledger, stored, USUAL)
    other_gate = validate_catalog(ledger, stored, ValidationSettings(stop_at="never"))
    other_bounds = validate_catalog(ledger, stored, ValidationSettings(labels=LabelSettings(oldest=60)))
    assert [first.reused, other_gate.reused, other_bounds.reused] == [False, True, False]


def test_reused_validation_does_not_load_great_expectations(
    ledger: Ledger, store_catalog: Store, catalog: pd.DataFrame
) -> None:
    stored = store_catalog(ledger, catalog)
    validate_catalog(ledger, stored, USUAL)
    script = f"""
import sys
from pathlib import Path
from tasks.store import ArtifactRef, Ledger
from tasks.store.folder import FolderBackend
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_catalog
ledger = Ledger(FolderBackend(Path({ledger.backend.url!r})))
catalog = ledger.get(ArtifactRef(step="catalog", key={stored.ref.key!r}))
assert validate_catalog(ledger, catalog, ValidationSettings()).reused
assert "great_expectations" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
