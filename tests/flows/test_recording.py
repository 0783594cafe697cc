from datetime import UTC, datetime

import pytest

from flows.recording import results_page
from tasks.store import ArtifactRef
from tasks.store.runs import Run, RunStart


@pytest.fixture
def run() -> Run:
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    name = f"{started:%Y%m%d-%H%M%S}-laptop-ab12"
    return Run(RunStart(run=name, flow="retrain", experiment="laptop", settings={}, data="data", started=started))


def keep(run: Run, *names: str) -> None:
    for name in names:
        run.keep(name, ArtifactRef(step=name, key="0" * 64), reused=False)


def test_page_of_a_run_says_how_to_fetch_what_it_has_made(run: Run) -> None:
    keep(run, "catalog", "validate", "submission", "report")
    run.scores.update(macro_f1=0.63, shifted_f1=0.6321)
    lines = results_page(run, "s3://bucket/store").splitlines()
    assert lines[0].startswith("Macro F1 0.6300, 0.6321 under shifted shares.")
    assert "export FOLDLINE_STORE=s3://bucket/store" in lines
    assert f"foldline link {run.start.run} report.html" in lines
    assert f"foldline get {run.start.run} submission.csv" in lines


def test_page_of_a_run_that_was_stopped_offers_only_what_there_is(run: Run) -> None:
    keep(run, "catalog", "validate")
    page = results_page(run, "/the store")
    assert f"foldline get {run.start.run} validate/data_docs" in page
    assert "export FOLDLINE_STORE='/the store'" in page
    assert "report.html" not in page
    assert "Macro" not in page
