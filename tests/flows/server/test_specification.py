from pathlib import Path

import pytest
import yaml

from flows.server.settings import TAG
from flows.server.specification import FILE, read_deployments
from flows.server.specification import Deployment as Specified
from tasks.errors import ConfigError


def read(environment: dict[str, str] | None = None) -> dict[str, Specified]:
    return {deployment.name: deployment for deployment in read_deployments(environment=environment or {})}


def test_prefect_yaml_is_where_prefect_looks_for_it() -> None:
    assert (Path(__file__).parents[3] / "prefect.yaml").samefile(FILE)


def test_folds_are_for_gpu_workers_and_all_else_for_others() -> None:
    pools = {name: deployment.work_pool.name for name, deployment in read().items()}
    assert pools == {name: "gpu" if name == "train-fold" else "cpu" for name in pools}
    assert set(pools) == {"validate-data", "crop-faces", "train-fold", "retrain", "ensemble", "submit"}


def test_every_run_is_tagged_as_ours() -> None:
    assert all(TAG in deployment.tags for deployment in read().values())


def test_one_retrain_at_a_time_and_the_next_waits() -> None:
    limit = read()["retrain"].concurrency_limit
    assert limit
    assert (limit.limit, limit.collision_strategy) == (1, "ENQUEUE")


def test_nothing_runs_by_itself_until_a_person_turns_it_on() -> None:
    schedules = [schedule for deployment in read().values() for schedule in deployment.schedules]
    assert [(schedule.slug, schedule.active) for schedule in schedules] == [("daily", False), ("nightly", False)]


def test_variables_are_filled_in_and_what_names_one_that_is_not_set_is_left_out() -> None:
    bare, filled = (
        read()["retrain"],
        read({"FOLDLINE_DATA": "/photos", "FOLDLINE_TIMEZONE": "Europe/Berlin"})["retrain"],
    )
    assert (bare.parameters, bare.schedules[0].timezone) == ({"params": {}}, "UTC")
    assert (filled.parameters, filled.schedules[0].timezone) == ({"params": {"data": "/photos"}}, "Europe/Berlin")


def test_what_a_variable_said_earlier_stays_where_it_is_not_set_now() -> None:
    known = {
        "retrain": {
            "parameters": {"params": {"data": "/photos"}},
            "schedules": [{"timezone": "Europe/Berlin"}],
            "work_pool": {"job_variables": {"working_dir": "/work", "other": 1}},
        }
    }
    found = {one.name: one for one in read_deployments(environment={"FOLDLINE_TIMEZONE": "Asia/Seoul"}, known=known)}
    retrain = found["retrain"]
    assert retrain.parameters == {"params": {"data": "/photos"}}
    assert retrain.schedules[0].timezone == "Asia/Seoul"
    assert retrain.work_pool.job_variables["working_dir"] == "/work"
    assert "other" not in retrain.work_pool.job_variables
    assert "working_dir" not in found["submit"].work_pool.job_variables


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"entrypont": "flows.retrain.retrain"}, "entrypont"),
        ({"concurrency_limit": {"limit": 0, "collision_strategy": "ENQUEUE"}}, "greater than 0"),
        ({"concurrency_limit": {"limit": 1, "collision_strategy": "WAIT"}}, "ENQUEUE"),
        # Prefect 3.8.8 forgets these when a person turns a schedule on.
        ({"schedules": [{"slug": "s", "cron": "0 1 * * *", "active": False, "parameters": {}}]}, "parameters"),
    ],
)
def test_file_that_is_wrong_is_told(change: dict[str, object], told: str, tmp_path: Path) -> None:
    content = yaml.safe_load(FILE.read_text())
    content["deployments"][0] |= change
    path = tmp_path / "prefect.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=told):
        read_deployments(path, {})
