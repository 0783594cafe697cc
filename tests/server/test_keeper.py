"""What the keeper does about runs, on a server whose workers do not take them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect import Task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventOccurredFilter, EventResourceFilter
from prefect.events.schemas.events import Event
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Completed, Crashed, Pending, Running
from prefect.testing.utilities import prefect_test_harness

from flows.server import keeper
from flows.server.keeper import (
    CLUSTER_STARTS_WITHIN,
    RESUME_AFTER,
    RESUMING,
    SILENCE,
    START_WITHIN,
    STARTS,
    look_after_runs,
)
from flows.server.settings import TAG
from tests.server.stack import wait_for

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture(scope="module")
def client() -> Iterator[SyncPrefectClient]:
    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        yield client


def start(
    client: SyncPrefectClient,
    flow: str,
    *states: State[object],
    tags: tuple[str, ...] = (TAG,),
    parent: UUID | None = None,
    pool: str | None = None,
) -> UUID:
    """A run of a flow that has gone through these states."""
    deployment = client.create_deployment(
        client.create_flow_from_name(flow), flow, tags=list(tags), work_pool_name=pool
    )
    run = client.create_flow_run_from_deployment(deployment, parent_task_run_id=parent).id
    for state in states:
        client.set_flow_run_state(run, state, force=True)
    return run


def beat(client: SyncPrefectClient, run: UUID, when: datetime) -> None:
    """Send a heartbeat as of then, and wait until the server has it."""
    event = Event(
        event="prefect.flow-run.heartbeat", occurred=when, resource={"prefect.resource.id": f"prefect.flow-run.{run}"}
    )
    client._client.post("/events", json=[event.model_dump(mode="json")]).raise_for_status()
    heard = EventFilter(
        occurred=EventOccurredFilter(since=when - timedelta(seconds=1), until=when + timedelta(seconds=1)),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run}"]),
    )
    wait_for(lambda: any(found.event == event.event for found in client.read_events(heard, limit=10).events))


def name_of(client: SyncPrefectClient, run: UUID) -> str | None:
    return client.read_flow_run(run).state_name


@pytest.mark.parametrize("flow", keeper.RESUMED)
def test_run_that_crashed_is_resumed(client: SyncPrefectClient, flow: str) -> None:
    run = start(client, flow, Running(), Crashed())
    look_after_runs(client, LATER, LATER)
    assert name_of(client, run) == RESUMING


def test_worker_has_time_to_wind_up_a_crash(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed())
    look_after_runs(client, LATER + START_WITHIN, datetime.now(UTC) + RESUME_AFTER / 2)
    assert name_of(client, run) == "Crashed"


@pytest.mark.parametrize("crash", [(Running(), Crashed()), (Pending(), Crashed())], ids=["runs", "never runs"])
def test_run_that_crashes_each_time_has_failed_in_the_end_with_all_that_it_started(
    client: SyncPrefectClient, crash: tuple[State[object], State[object]]
) -> None:
    parent = start(client, "retrain", *crash)
    task = client.create_task_run(Task(lambda: None, name="fold"), flow_run_id=parent, dynamic_key="0")
    child = start(client, "train-fold", Running(), parent=task.id)
    for _ in range(STARTS - 1):
        look_after_runs(client, LATER, LATER)
        assert name_of(client, parent) == RESUMING
        for state in crash:
            client.set_flow_run_state(parent, state, force=True)
    look_after_runs(client, LATER, LATER)
    assert name_of(client, parent) == "Failed"
    assert name_of(client, child) == "Cancelling"


def test_crashed_fold_is_left_to_the_retrain_that_wants_it(client: SyncPrefectClient) -> None:
    run = start(client, "train-fold", Running(), Crashed())
    look_after_runs(client, LATER, LATER)
    assert name_of(client, run) == "Crashed"


def test_runs_of_others_are_left_alone(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed(), tags=())
    look_after_runs(client, LATER, LATER)
    assert name_of(client, run) == "Crashed"


@pytest.mark.parametrize("state", [Completed(), Cancelling(), Running()])
def test_runs_that_are_well_are_left_alone(client: SyncPrefectClient, state: State[object]) -> None:
    run = start(client, "retrain", Running(), state)
    look_after_runs(client, LATER, LATER)
    assert name_of(client, run) == state.name


def test_crash_of_long_ago_is_history(client: SyncPrefectClient) -> None:
    run = start(client, "retrain", Running(), Crashed())
    look_after_runs(client, NOW + timedelta(days=2), NOW + timedelta(days=2))
    assert name_of(client, run) == "Crashed"


@pytest.mark.parametrize(("pool", "within"), [("process", START_WITHIN), ("kubernetes", CLUSTER_STARTS_WITHIN)])
def test_run_that_is_never_started_has_crashed(client: SyncPrefectClient, pool: str, within: timedelta) -> None:
    client.create_work_pool(WorkPoolCreate(name=pool, type=pool))
    run = start(client, "train-fold", Pending(), pool=pool)
    now = datetime.now(UTC)
    look_after_runs(client, now + within, now + within / 2)
    assert name_of(client, run) == "Pending"
    look_after_runs(client, now + within, now + within)
    assert name_of(client, run) == "Crashed"


def test_run_without_heartbeats_is_lost(client: SyncPrefectClient) -> None:
    silent, alive = (start(client, "train-fold", Running()) for _ in range(2))
    now = datetime.now(UTC)
    later = now + 2 * SILENCE
    beat(client, silent, now)
    beat(client, alive, later - SILENCE / 2)
    look_after_runs(client, now, later)
    assert (name_of(client, silent), name_of(client, alive)) == ("Crashed", "Running")


def test_heartbeats_that_a_server_could_not_take_are_not_missed(client: SyncPrefectClient) -> None:
    run = start(client, "train-fold", Running())
    later = datetime.now(UTC) + 2 * SILENCE
    look_after_runs(client, later - SILENCE / 2, later)
    assert name_of(client, run) == "Running"


def test_one_run_that_cannot_be_set_keeps_nobody_from_looking_after_the_others(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = (start(client, "retrain", Running(), Crashed()) for _ in range(2))
    real = client.read_flow_run

    def read(run: UUID) -> object:
        if run == gone:
            raise ObjectNotFound(http_exc=ValueError())
        return real(run)

    monkeypatch.setattr(client, "read_flow_run", read)
    look_after_runs(client, LATER, LATER)
    assert client.read_flow_run(other).state_name == RESUMING
