import json
from pathlib import Path

import pytest

from tasks.data_folder.local import LocalFolder
from tasks.errors import GateError
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.tables import RESULTS
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_data
from tasks.validate.task import failure_table, gate_task, verdict_of
from tests.tasks.validate.clean import CATALOG
from tests.tasks.validate.stored import store_catalog


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """One that tells of a person with two ages and two races."""
    ledger = Ledger(FolderBackend(tmp_path_factory.mktemp("store")))
    catalog = CATALOG.copy()
    catalog.loc[0, "age"] += 1
    catalog.loc[0, "race"] = "none"
    settings = ValidationSettings(severities={"folder_matches": "info", "race_constant": "info"})
    return validate_data(ledger, LocalFolder(Path("nowhere")), store_catalog(ledger, catalog), settings)


def test_gate_stops_at_a_stored_failure_and_names_the_report(
    validation: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = validation.url("data_docs/index.html")
    monkeypatch.setenv("FOLDLINE_STORE", report.partition("/steps/")[0])
    with pytest.raises(GateError, match=rf"1 expectations failed[\s\S]*labels, age_constant[\s\S]*{report}"):
        gate_task.fn(validation.ref, "critical")


def test_failure_table_is_plain_json_with_the_worst_first(validation: Artifact) -> None:
    table = failure_table(RESULTS.read(validation.path("results.parquet")))
    assert [(row["severity"], row["unexpected"]) for row in json.loads(json.dumps(table))] == [
        ("critical", 1),
        ("info", 1),
        ("info", 1),
    ]


def test_verdict_says_how_many_failed_and_where_to_read(validation: Artifact) -> None:
    results = RESULTS.read(validation.path("results.parquet"))
    assert verdict_of(results, "/store/index.html") == (
        "3 of 39 expectations failed.\n\nData Docs: `/store/index.html`"
    )
