"""What the keeper does about runs, on a server whose workers do not take them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect import Task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelling, Completed, Crashed, Pending, Running
from prefect.testing.utilities import prefect_test_harness

from flows.server import keeper
from flows.server.keeper import RESUME_AFTER, START_WITHIN, STARTS, look_after_runs
from flows.server.settings import TAG

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture(scope="module")
def client() -> Iterator[SyncPrefectClient]:
    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        yield client


def start(client: SyncPrefectClient, flow: str, *states: State[object], tags: tuple[str, ...] = (TAG,)) -> UUID:
    """A run of a flow that has gone through these states."""
    deployment = client.create_deployment(client.create_flow_from_name(flow), flow, tags=list(tags))
    run = client.create_flow_run_from_deployment(deployment).id
    for state in states:
        client.set_flow_run_state(run, state, force=True)
    return run


def name_of(client: SyncPrefectClient, run: UUID) -> str | None:
    return client.read_flow_run(run).state_name


@pytest.mark.parametrize("flow", keeper.RESUMED)
def test_run_that_crashed_is_resumed(client: SyncPrefectClient, flow: str) -> None:
    run = start(client, flow, Running(), Crashed())
    look_after_runs(client, LATER)
    found = client.read_flow_run(run)
    assert (found.state_name, found.run_count) == ("Resuming", 1)


def test_worker_has_time_to_wind_up_a_crash(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed())
    look_after_runs(client, datetime.now(UTC) + RESUME_AFTER / 2)
    assert name_of(client, run) == "Crashed"


def test_run_that_crashes_each_time_is_given_up_with_all_that_it_started(client: SyncPrefectClient) -> None:
    parent = start(client, "retrain", *[Running(), Crashed()] * STARTS)
    deployment = client.create_deployment(client.create_flow_from_name("train-fold"), "train-fold", tags=[TAG])

    task = client.create_task_run(Task(lambda: None, name="fold"), flow_run_id=parent, dynamic_key="0")
    child = client.create_flow_run_from_deployment(deployment, parent_task_run_id=task.id, state=Running()).id
    look_after_runs(client, LATER)
    assert client.read_flow_run(parent).run_count == STARTS
    assert name_of(client, parent) == "Crashed"
    assert name_of(client, child) == "Cancelling"


def test_crashed_fold_is_left_to_the_retrain_that_wants_it(client: SyncPrefectClient) -> None:
    run = start(client, "train-fold", Running(), Crashed())
    look_after_runs(client, LATER)
    assert name_of(client, run) == "Crashed"


def test_runs_of_others_are_left_alone(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed(), tags=())
    look_after_runs(client, LATER)
    assert name_of(client, run) == "Crashed"


@pytest.mark.parametrize("state", [Completed(), Cancelling(), Running()])
def test_runs_that_are_well_are_left_alone(client: SyncPrefectClient, state: State[object]) -> None:
    run = start(client, "retrain", Running(), state)
    look_after_runs(client, LATER)
    assert name_of(client, run) == state.name


def test_crash_of_long_ago_is_history(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed())
    look_after_runs(client, NOW + timedelta(days=2))
    assert name_of(client, run) == "Crashed"


def test_run_that_is_never_started_has_crashed(client: SyncPrefectClient) -> None:
    run = start(client, "train-fold", Pending())
    look_after_runs(client, NOW + START_WITHIN / 2)
    assert name_of(client, run) == "Pending"
    look_after_runs(client, LATER + START_WITHIN)
    assert name_of(client, run) == "Crashed"
