"""Running a flow in this process, with a Prefect server of its own that ends with it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from flows.server.settings import set_up_prefect

Result = TypeVar("Result")

SETTINGS = {
    # The server's first start migrates its database: 13-18 s here, more than Prefect's own limit allows a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    # Our own progress speaks on the terminal; Prefect's log lines still reach its database.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}


def run_embedded(flow: Callable[[], Result]) -> Result:
    """Call `flow` with Prefect set up for one process. Raises whatever the flow raises.

    Args:
        flow: imports Prefect and runs a flow; must not be called before, as Prefect reads its settings on import.

    If PREFECT_API_URL is set, that server is used and none is started.
    """
    set_up_prefect(SETTINGS)
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    _start_server()
    # Nobody watches for heartbeats here, and each flow would wait a second for its heartbeat thread to end.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), _stopped_by_signals():
        return flow()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM alike end the block with KeyboardInterrupt, wherever they hit it.

    SIGTERM's own way would leave Prefect's server behind, which ends when Python exits in good order.
    """
    from prefect.exceptions import TerminationSignal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except BaseException as error:
        # Hit inside its own code, Prefect stumbles and raises something else.
        if any(isinstance(cause, KeyboardInterrupt | TerminationSignal) for cause in _chain(error)):
            raise KeyboardInterrupt from error
        raise


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, the one that was being handled when it was raised, and so on."""
    while error:
        yield error
        error = error.__context__


def _start_server() -> None:
    """Start Prefect's server, unless another is used, deaf to Ctrl-C: a terminal sends that to all processes.

    An interrupted flow could otherwise tell nobody how it ended, and would try to for minutes.
    """
    from prefect.client.orchestration import get_client

    # A process is born with the signal mask of its parent, and Prefect ends its server by another signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        get_client(sync_client=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
