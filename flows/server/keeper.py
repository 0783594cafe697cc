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
    FlowRunFilterParentFlowRunId,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Crashed, Scheduled

from flows.server.settings import TAG

LOOK_EVERY = 10.0
"""Seconds between two looks at all runs."""
RESUMED = ["crop-faces", "ensemble", "retrain", "validate-data"]
"""Flows that are resumed after a crash. Folds are not: the retrain that waits for one starts another."""
RESUME_AFTER = timedelta(seconds=15)
"""Between the crash of a run and its next start: a worker that still winds up the crash stumbles over one at once."""
RESUME_WITHIN = timedelta(days=1)
"""A run that started longer ago is history, as after a restart of a server that has been down for long."""
STARTS = 5
"""How often a run may start: what has crashed that often would crash again."""
START_WITHIN = timedelta(minutes=10)
"""For how long a run may be about to start: a node may have to be added to a cluster, and an image fetched."""
TOO_LATE = timedelta(hours=12)
"""A scheduled run that has waited so long is given up: after a downtime the next one does what all would have done."""
UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]

log = logging.getLogger("foldline.keeper")


def main() -> None:
    """Look after all runs until this process is ended, whatever becomes of the server."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    while True:
        try:
            with get_client(sync_client=True) as client:
                look_after_runs(client)
        except (HTTPError, PrefectHTTPStatusError) as error:
            log.info("The server cannot be asked: %s", error or type(error).__name__)
        time.sleep(LOOK_EVERY)


def look_after_runs(client: SyncPrefectClient, now: datetime | None = None) -> None:
    """Look at all runs once; `now` is the time, unless it is another in a test.

    - A run that crashed is resumed: it goes on with the step, and training with the epoch, that had not ended. One
      that has crashed too often stays as it is, and what it has started is cancelled.
    - A run that a worker has taken and never started has crashed.
    - A scheduled run that nobody could take in time is cancelled.
    """
    now = now or datetime.now(UTC)
    for run in _crashed_runs(client, now):
        if run.run_count < STARTS:
            _set(
                client,
                run,
                Scheduled(name="Resuming", message=f"It had crashed, and starts once more: {run.run_count + 1}."),
            )
        else:
            _cancel_children(client, run)
    for run in _older(_runs(client, StateType.PENDING), now - START_WITHIN):
        _set(client, run, Crashed(message=f"Its worker took it, and has not started it in {START_WITHIN}."))
    for run in _runs(client, StateType.SCHEDULED, "Late"):
        if run.auto_scheduled and run.expected_start_time and run.expected_start_time < now - TOO_LATE:
            _set(client, run, Cancelled(message=f"It is {TOO_LATE} late: the next one does its work."))


def _crashed_runs(client: SyncPrefectClient, now: datetime) -> Iterator[FlowRun]:
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=RESUMED)),
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[TAG]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
            start_time=FlowRunFilterStartTime(after_=now - RESUME_WITHIN),
        ),
    )
    return _older(found, now - RESUME_AFTER)


def _runs(client: SyncPrefectClient, state: StateType, name: str | None = None) -> Sequence[FlowRun]:
    wanted = FlowRunFilterState(
        type=FlowRunFilterStateType(any_=[state]), name=FlowRunFilterStateName(any_=[name]) if name else None
    )
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG]), state=wanted))


def _older(runs: Sequence[FlowRun], than: datetime) -> Iterator[FlowRun]:
    """Those that have been in their state since before that time."""
    return (run for run in runs if run.state and run.state.timestamp < than)


def _cancel_children(client: SyncPrefectClient, run: FlowRun) -> None:
    children = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
    )
    for child in client.read_flow_runs(flow_run_filter=children):
        _set(client, child, Cancelling(message=f"{run.name}, which wanted it, has crashed {STARTS} times."))


def _set(client: SyncPrefectClient, run: FlowRun, state: State[object]) -> None:
    log.info("%s (%s) was %s and is %s now. %s", run.name, run.id, run.state_name, state.name, state.message)
    client.set_flow_run_state(run.id, state, force=True)


if __name__ == "__main__":
    main()
