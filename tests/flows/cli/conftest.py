"""A store with runs in it, and the command line over it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from flows.cli import main
from tasks.errors import NotInStoreError
from tasks.store import ArtifactRef, Ledger, Step
from tasks.store.runs import advance_latest, recorded_run

Foldline = Callable[..., list[str]]
"""Calls the command line with these arguments, over the test's store; returns the lines of its output."""
CHECKED: dict[str, JsonValue] = {"expectations": 22, "failed": {"critical": 0, "warning": 2, "info": 1}}
WEIGHTS = bytes(range(256)) * 2000


@pytest.fixture
def foldline(capsys: pytest.CaptureFixture[str], ledger: Ledger) -> Foldline:
    def call(*arguments: str) -> list[str]:
        main([*arguments, "--store", ledger.backend.url])
        return capsys.readouterr().out.splitlines()

    return call


def artifact(
    ledger: Ledger, step: str, files: dict[str, bytes], summary: dict[str, JsonValue] | None = None
) -> ArtifactRef:
    def compute(folder: Path) -> dict[str, JsonValue]:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return summary or {}

    return ledger.produce(Step(step, "tasks.classes"), {}, None, compute).ref


@pytest.fixture
def name(ledger: Ledger) -> str:
    """A completed run with five artifacts, and after it one that failed."""
    docs = {"results.parquet": b"", "data_docs/index.html": b"<p>", "data_docs/assets/style.css": b"p {}"}
    with recorded_run(ledger.backend, "retrain", "laptop", {"training": {"epochs": 3}}, "photos") as run:
        run.keep("submission", artifact(ledger, "submission", {"submission.csv": b"a,1\n"}), reused=False)
        run.keep("fold-0", artifact(ledger, "training", {"oof.parquet": b"fold", "weights": WEIGHTS}), reused=True)
        run.keep("ensemble", artifact(ledger, "ensemble", {"oof.parquet": b"all", "docs/a.css": b""}), reused=False)
        run.keep("validate", artifact(ledger, "validate", docs, CHECKED), reused=False)
        run.keep("report", artifact(ledger, "report", {"report.html": b"<h1>Report"}), reused=False)
        run.scores["macro_f1"] = 0.51234
    advance_latest(ledger.backend, run.start.run)
    with (
        pytest.raises(NotInStoreError),
        recorded_run(ledger.backend, "validate-data", "laptop", {}, "photos"),
    ):
        raise NotInStoreError("the disk is gone")
    return run.start.run
