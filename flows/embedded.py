"""Running a flow in this process, with a Prefect server of its own that ends with it."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import TypeVar

from flows.server.processes import restarts
from flows.server.settings import set_up_prefect, without_proxy
from tasks.errors import WorkerError
from tasks.progress import say

Result = TypeVar("Result")

API = "PREFECT_API_URL"
HOST = "127.0.0.1"
START_WITHIN = 180.0
"""Seconds that the server has until it answers: its first start migrates its database."""
END_WITHIN = 5.0
"""Seconds that it has to end."""
SETTINGS = {
    # Our own progress speaks on the terminal; Prefect's log lines still reach its database.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}


def run_embedded(flow: Callable[[], Result]) -> Result:
    """Call `flow` with Prefect set up for one process. Raises whatever the flow raises.

    Args:
        flow: imports Prefect and runs a flow; must not be called before, as Prefect reads its settings on import.

    If PREFECT_API_URL is set, that server is used and none is started.

    Raises:
        WorkerError: the server does not start.
    """
    set_up_prefect(SETTINGS)
    server = None if os.environ.get(API) else _Server()
    import prefect.main  # noqa: F401 - what every flow needs, while the server starts
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    if server:
        server.wait()
    # Nobody watches for heartbeats here, and each flow would wait a second for its heartbeat thread to end.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), _stopped_by_signals():
        return flow()


class _Server:
    """Prefect's server, as a process on a socket that we hold: whoever asks while it starts waits, and is answered.

    Prefect would start one too, but only when it is first asked for something, and would load all of it here as well.
    One that dies, as where memory is short, is started again, and the flow goes on.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0))
        self._ending = Event()
        self._process = self._start()
        self.port = self._socket.getsockname()[1]
        os.environ[API] = f"http://{HOST}:{self.port}/api"
        without_proxy(HOST)
        # Prefect sends its last log lines when Python exits; what is registered first, before Prefect, is called last.
        atexit.register(self._end)

    def _start(self) -> "subprocess.Popen[bytes]":
        number = self._socket.fileno()
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "flows.embedded_server", str(number)],
            env={name: value for name, value in os.environ.items() if name != API},
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            # A terminal sends Ctrl-C to all processes of a session; an interrupted flow has to tell how it ended.
            start_new_session=True,
        )

    def wait(self) -> None:
        """Wait until it answers; from then on it is kept running. Raises WorkerError if it does not."""
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise WorkerError(
                    "Prefect's server does not start: what it had to say is above. Its database is in "
                    f"{os.environ['PREFECT_HOME']}; it may be moved away, no result is in it."
                )
        Thread(target=self._keep, daemon=True).start()

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self.port, timeout=1.0)
        try:
            connection.request("GET", "/api/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _keep(self) -> None:
        """Start it again whenever it has died, later each time."""
        for pause in restarts():
            status = self._process.wait()
            if self._ending.wait(pause):
                return
            say(f"Prefect's server has died (status {status}); it starts again.")
            self._process = self._start()

    def _end(self) -> None:
        self._ending.set()
        self._process.terminate()
        try:
            self._process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
