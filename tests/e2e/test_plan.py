"""A plan and a run over the same data: what is foretold comes true."""

import json
from pathlib import Path

from flows.params import RetrainParams
from flows.plan import plan_retrain
from tasks.store.folder import FolderBackend
from tests.e2e.desk import SMALL, Desk, retrain


def keys_of(plan_of: RetrainParams, store: Path) -> dict[str, dict[str, str]]:
    """Step and key of every artifact that is planned, by its name."""
    plan = plan_retrain(plan_of, FolderBackend(store))
    return {name: step.artifact.ref.model_dump() for name, step in plan.items()}


def test_run_makes_just_the_artifacts_that_were_planned_and_then_plans_to_reuse_them(
    desk: Desk, sample_data: Path, tmp_path: Path
) -> None:
    params = RetrainParams(data=str(sample_data), experiment="sample", overrides=SMALL)
    planned = keys_of(params, tmp_path / "empty")
    desk.run(*retrain())
    newest = max((desk.folder / "foldline-store/runs").glob("*-sample-*/manifest.json"))
    run = json.loads(newest.read_text())
    assert run["artifacts"] == planned == keys_of(params, desk.folder / "foldline-store")
    assert list(run["artifacts"]) == list(planned)
    *lines, last = desk.run("plan", *retrain()[1:])
    assert [line.split() for line in lines if not line.startswith("Fingerprinting")] == [
        [name, "reuse"] for name in planned
    ]
    assert last == f"{len(planned)} steps: {len(planned)} reused, 0 to run"
