"""The keeper: looks after runs that cannot go on by themselves, as a process beside the workers of the pool `cpu`.

It goes by the state that the server says a run is in, not by events: those a server loses when it is killed, and after
its start holds back for minutes where one it has lost came before.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Scheduled

from flows.server.settings import HEARTBEAT, TAG

LOOK_EVERY = 10.0
"""Seconds between two looks at all runs."""
SILENCE = timedelta(seconds=3 * HEARTBEAT)
"""Without a heartbeat for so long, while the server could be reached, a run is lost."""
RESUMED = ["crop-faces", "ensemble", "retrain", "validate-data"]
"""Flows that are resumed after a crash. Folds are not: the retrain that waits for one starts another."""
RESUME_AFTER = timedelta(seconds=30)
"""Between the crash of a run and its next start: a worker that still has its process stumbles over a new start."""
RESUME_WITHIN = timedelta(days=1)
"""A crash of longer ago is history, as after a downtime of the server."""
STARTS = 5
"""How often a run may start: what has crashed that often would crash again."""
RESUMING = "Resuming"
"""Name of the state of a run that has crashed and is to start again."""
START_WITHIN = timedelta(minutes=2)
"""For how long a run may be about to start where it is a process."""
CLUSTER_STARTS_WITHIN = timedelta(minutes=10)
"""For how long elsewhere: a node may have to be added to a cluster, and an image fetched."""
TOO_LATE = timedelta(hours=12)
"""A scheduled run that has waited so long is given up: after a downtime the next one does what all would have done."""
UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]

OURS = FlowRunFilterTags(all_=[TAG])
log = logging.getLogger("foldline.keeper")


def main() -> None:
    """Look after all runs until this process is ended, whatever becomes of the server."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    reached = datetime.now(UTC)
    while True:
        try:
            with get_client(sync_client=True) as client:
                look_after_runs(client, reached)
        except (HTTPError, PrefectHTTPStatusError) as error:
            log.info("The server cannot be asked: %s", error or type(error).__name__)
            reached = datetime.now(UTC)
        time.sleep(LOOK_EVERY)


def look_after_runs(client: SyncPrefectClient, reached: datetime, now: datetime | None = None) -> None:
    """Look at all runs once.

    - A run whose heartbeats have stopped has crashed.
    - A run that a worker has taken and never started has crashed.
    - A run that crashed is resumed: it goes on with the step, and training with the epoch, that had not ended. One
      that has crashed too often has failed, and what it has started is cancelled.
    - A scheduled run that nobody could take in time is cancelled.

    Args:
        client: the server's.
        reached: since when the server could be reached without a break: heartbeats can be missed only from then on.
        now: the time, unless it is another in a test.
    """
    now = now or datetime.now(UTC)
    if now - reached > SILENCE:
        for run in _older(_runs(client, StateType.RUNNING), now - SILENCE):
            if not _heard_of(client, run, now - SILENCE):
                _set(client, run, Crashed(message=f"No heartbeat for {SILENCE.seconds} s: its worker is lost."))
    for run, within in _never_started(client, now):
        _set(client, run, Crashed(message=f"Its worker took it, and has not started it in {within}."))
    for run in _crashed_runs(client, now):
        _resume(client, run)
    for run in _runs(client, StateType.SCHEDULED, "Late"):
        if run.auto_scheduled and run.expected_start_time and run.expected_start_time < now - TOO_LATE:
            _set(client, run, Cancelled(message=f"It is {TOO_LATE} late: the next one does its work."))


def _runs(client: SyncPrefectClient, state: StateType, name: str | None = None) -> Sequence[FlowRun]:
    wanted = FlowRunFilterState(
        type=FlowRunFilterStateType(any_=[state]), name=FlowRunFilterStateName(any_=[name]) if name else None
    )
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=OURS, state=wanted))


def _never_started(client: SyncPrefectClient, now: datetime) -> Iterator[tuple[FlowRun, timedelta]]:
    """Runs that are about to start for too long, and how long they had."""
    if not (pending := _runs(client, StateType.PENDING)):
        return
    processes = {pool.name for pool in client.read_work_pools() if pool.type == "process"}
    for run in pending:
        within = START_WITHIN if run.work_pool_name in processes else CLUSTER_STARTS_WITHIN
        for late in _older([run], now - within):
            yield late, within


def _crashed_runs(client: SyncPrefectClient, now: datetime) -> Iterator[FlowRun]:
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=RESUMED)),
        flow_run_filter=FlowRunFilter(
            tags=OURS,
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
            end_time=FlowRunFilterEndTime(after_=now - RESUME_WITHIN),
        ),
    )
    return _older(found, now - RESUME_AFTER)


def _older(runs: Sequence[FlowRun], than: datetime) -> Iterator[FlowRun]:
    """Those that have been in their state since before that time."""
    return (run for run in runs if run.state and run.state.timestamp < than)


def _heard_of(client: SyncPrefectClient, run: FlowRun, since: datetime) -> bool:
    """Whether the run has sent a heartbeat since that time."""
    heartbeats = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
        # By the clock of the machine that it runs on, which may be ahead of ours.
        occurred=EventOccurredFilter(since=since, until=since + timedelta(days=1)),
    )
    return bool(client.read_events(heartbeats, limit=1).events)


def _resume(client: SyncPrefectClient, run: FlowRun) -> None:
    """Start a crashed run again, or give it up."""
    # Those that crash before they run at all count, too; Prefect counts starts only from there.
    starts = 1 + sum(state.name == RESUMING for state in client.read_flow_run_states(run.id))
    if starts < STARTS:
        message = f"It had crashed; this is start {starts + 1} of {STARTS} at most."
        _set(client, run, Scheduled(name=RESUMING, message=message))
        return
    for child in _unfinished_children(client, run):
        _set(client, child, Cancelling(message=f"{run.name}, which wanted it, has crashed {STARTS} times."))
    last = run.state.message if run.state else None
    _set(client, run, Failed(message=f"It has crashed {STARTS} times, at last so: {last}"))


def _unfinished_children(client: SyncPrefectClient, run: FlowRun) -> Sequence[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
        )
    )


def _set(client: SyncPrefectClient, run: FlowRun, state: State[object]) -> None:
    """Set a run's state, if it is still in the one that it was found in; another keeper may be as quick."""
    try:
        present = client.read_flow_run(run.id)
        if present.state_id == run.state_id:
            client.set_flow_run_state(run.id, state, force=True)
            log.info("%s (%s) was %s and is %s now. %s", run.name, run.id, run.state_name, state.name, state.message)
    except (ObjectNotFound, PrefectHTTPStatusError) as error:  # the others are looked after all the same
        log.info("%s (%s) cannot be set to %s: %s", run.name, run.id, state.name, error)


if __name__ == "__main__":
    main()
