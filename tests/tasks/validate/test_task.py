import json
from collections.abc import Callable

import pandas as pd
import pytest

from tasks.errors import GateError
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.tables import RESULTS
from tasks.validate.settings import ValidationSettings
from tasks.validate.step import validate_catalog
from tasks.validate.task import failure_table, gate_task, verdict_of


@pytest.fixture(scope="module")
def validation(
    tmp_path_factory: pytest.TempPathFactory,
    store_catalog: Callable[[Ledger, pd.DataFrame], Artifact],
    clean_catalog: pd.DataFrame,
) -> Artifact:
    ledger = Ledger(FolderBackend(tmp_path_factory.mktemp("store")))
    catalog = clean_catalog.copy()
    catalog.loc[0, "age"] = 26
    settings = ValidationSettings(severities={"folder_matches": "info"})
    return validate_catalog(ledger, store_catalog(ledger, catalog), settings)


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
    ]


def test_verdict_says_how_many_failed_and_where_to_read(validation: Artifact) -> None:
    results = RESULTS.read(validation.path("results.parquet"))
    assert verdict_of(results, "/store/index.html") == (
        "2 of 22 expectations failed.\n\nData Docs: `/store/index.html`"
    )
