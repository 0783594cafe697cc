"""Heeding what the server says of a run, in the process of the run itself.

Prefect's worker tells it that it is cancelled, but gives up doing so for good when the server was away for half a
minute; and nobody tells a process that thaws, or whose network comes back, that its run goes on elsewhere.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled

LOOK_EVERY = 10.0
"""Seconds between two looks: less than the keeper waits until it starts a crashed run again."""
OBEY_WITHIN = 15.0
"""Seconds that a worker has to end a run that is cancelled, before the run does so itself."""


@contextmanager
def heeding_server() -> Iterator[None]:
    """End this process if the server says that its run has ended, or is cancelled; only in runs that workers have."""
    if not deployment.id:
        yield
        return
    ended = Event()
    thread = Thread(target=_watch, args=(UUID(str(flow_run.id)), ended, os.getpid()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(OBEY_WITHIN)


def _watch(run: UUID, ended: Event, process: int) -> None:
    while not ended.wait(LOOK_EVERY):
        with suppress(HTTPError, PrefectHTTPStatusError), get_client(sync_client=True) as client:
            try:
                state = client.read_flow_run(run).state
            except ObjectNotFound:  # somebody has deleted it
                state = Cancelled()
            if state and state.is_cancelling() and not ended.wait(OBEY_WITHIN):
                client.set_flow_run_state(run, Cancelled(message="Its worker did not end it."), force=True)
                state = Cancelled()
            if state and state.is_final() and not ended.is_set():
                os.kill(process, signal.SIGKILL)  # whatever it does now, nobody is to see
