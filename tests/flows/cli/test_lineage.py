import re
from pathlib import Path

import pytest

from flows.cli.lineage import Ancestry
from tasks.errors import GateError
from tasks.store import Artifact, Ledger, Step
from tasks.store.runs import Run, RunManifest, list_runs, read_run, recorded_run
from tests.flows.cli.conftest import Foldline

DATA = "0123456789ab" + "0" * 52


def make(ledger: Ledger, run: Run, name: str, inputs: dict[str, Artifact | str], *, reused: bool = False) -> Artifact:
    def compute(folder: Path) -> dict[str, str]:
        (folder / "file").touch()
        return {}

    made = ledger.produce(Step(name.partition("-")[0], "tasks.classes"), inputs, None, compute)
    run.keep(name, made.ref, reused=reused)
    return made


@pytest.fixture
def name(ledger: Ledger) -> str:
    """A run like that of `retrain`, with two folds."""
    with recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run:
        catalog = make(ledger, run, "catalog", {"data": DATA}, reused=True)
        crops = make(ledger, run, "prepare", {"catalog": catalog}, reused=True)
        models: dict[str, Artifact | str] = {
            f"fold-{fold}": make(ledger, run, f"fold-{fold}", {"catalog": catalog, "crops": crops, "fold": str(fold)})
            for fold in range(2)
        }
        ensemble = make(ledger, run, "ensemble", {"catalog": catalog, **models})
        submission = make(ledger, run, "submission", {"catalog": catalog, "ensemble": ensemble})
        everything: dict[str, Artifact | str] = {"catalog": catalog, "submission": submission, "experiment": "laptop"}
        make(ledger, run, "report", everything)
        make(ledger, run, "labels", {"ensemble": ensemble})
    return run.start.run


def shape(lines: list[str]) -> list[str]:
    """The lines of a tree, its keys and costs as words."""
    keys = [re.sub(r"(?<=  )[0-9a-f]{12}(?=  )", "KEY", line) for line in lines]
    return [re.sub(r"\d+\.\ds", "COST", line) for line in keys]


def test_lineage_leads_from_the_submission_down_to_the_data_and_unfolds_nothing_twice(
    foldline: Foldline, name: str
) -> None:
    assert shape(foldline("lineage", name)) == [
        name,
        "├── submission  KEY  COST  cpu  made",
        "│   ├── ensemble  KEY  COST  cpu  made",
        "│   │   ├── fold-0  KEY  COST  cpu  made",
        "│   │   │   ├── prepare  KEY  COST  cpu  reused",
        "│   │   │   │   └── catalog  KEY  COST  cpu  reused",
        "│   │   │   │       └── data  0123456789ab",
        "│   │   │   └── catalog ... see above",
        "│   │   ├── fold-1  KEY  COST  cpu  made",
        "│   │   │   ├── prepare ... see above",
        "│   │   │   └── catalog ... see above",
        "│   │   └── catalog ... see above",
        "│   └── catalog ... see above",
        "├── report  KEY  COST  cpu  made",
        "│   ├── submission ... see above",
        "│   └── catalog ... see above",
        "└── labels  KEY  COST  cpu  made",
        "    └── ensemble ... see above",
        "COST of work in all, COST of it by this run",
    ]


def test_cost_is_that_of_all_artifacts_and_of_those_that_the_run_made(ledger: Ledger, name: str) -> None:
    run = read_run(ledger.backend, name)
    assert isinstance(run, RunManifest)
    artifacts = {
        ref: Artifact(ledger.backend, ledger.get(ref).manifest.model_copy(update={"seconds": 10.0}), reused=True)
        for ref in run.artifacts.values()
    }
    assert Ancestry(run, artifacts).cost() == "1m 20s of work in all, 1m 00s of it by this run"
    lost = artifacts | {run.artifacts["fold-0"]: "it is gone"}
    assert Ancestry(run, lost).cost() == (
        "1m 10s of work in all, 50.0s of it by this run; what 1 lost artifacts have cost is not known"
    )


@pytest.mark.parametrize("content", [None, b""], ids=["lost", "damaged"])
def test_lost_artifact_is_told_and_hides_nothing_that_is_left(
    foldline: Foldline, ledger: Ledger, name: str, content: bytes | None
) -> None:
    run = read_run(ledger.backend, name)
    assert isinstance(run, RunManifest)
    manifest = f"steps/ensemble/{run.artifacts['ensemble'].key}/manifest.json"
    ledger.backend.delete([manifest])
    if content is not None:
        ledger.backend.create(manifest, content)
    lines = shape(foldline("lineage", name))
    (lost,) = (line for line in lines if "ensemble  KEY" in line)
    assert re.search(r"lost: .*manifest\.json is (not in|damaged)", lost)
    assert "├── fold-1  KEY  COST  cpu  made" in lines


def test_run_that_failed_shows_how_far_it_came(foldline: Foldline, ledger: Ledger) -> None:
    def stop_at_the_gate() -> None:
        with recorded_run(ledger.backend, "validate-data", "laptop", {}, "photos") as run:
            make(ledger, run, "validate", {"catalog": make(ledger, run, "catalog", {"data": DATA})})
            raise GateError("labels are wrong")

    with pytest.raises(GateError):
        stop_at_the_gate()
    (name,) = list_runs(ledger.backend)
    assert shape(foldline("lineage", name))[1:4] == [
        "└── validate  KEY  COST  cpu  made",
        "    └── catalog  KEY  COST  cpu  made",
        "        └── data  0123456789ab",
    ]


def test_artifact_that_the_run_does_not_name_is_shown_by_its_step(foldline: Foldline, ledger: Ledger) -> None:
    with recorded_run(ledger.backend, "train-fold", "laptop", {}, "photos") as other:
        catalog = make(ledger, other, "catalog", {"data": DATA})
    with recorded_run(ledger.backend, "train-fold", "laptop", {}, "photos") as run:
        make(ledger, run, "fold-0", {"catalog": catalog})
    assert shape(foldline("lineage", run.start.run))[1:3] == [
        "└── fold-0  KEY  COST  cpu  made",
        "    └── catalog  KEY  COST  cpu  reused",
    ]


def test_run_that_has_not_ended_has_no_lineage_yet(
    foldline: Foldline, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run, pytest.raises(SystemExit):
        foldline("lineage", run.start.run)
    assert f"Run {run.start.run} has not ended" in capsys.readouterr().err
