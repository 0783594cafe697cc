"""`foldline up` and `foldline workers`: what they keep running, until they are told to stop."""

import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.server.processes import LOOK_EVERY, Program, Supervised, end_all
from flows.server.settings import SERVER
from flows.server.workers import sick_device_note
from tasks.errors import ConfigError, WorkerError
from tasks.home import foldline_home

HOST = "127.0.0.1"
START_WITHIN = 180.0
"""Seconds that a server has until it answers: a new database is migrated first."""


def server(port: int) -> Program:
    """The Prefect server; on PostgreSQL if PREFECT_SERVER_DATABASE_CONNECTION_URL says so, else on SQLite.

    Raises:
        ConfigError: the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} cannot be used ({error.strerror}): another `foldline up`, or another Prefect server, may "
                "run. End it, or choose another with --port."
            ) from error
    return Program(
        name="server",
        command=[sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)],
        environment={**SERVER, "PREFECT_SERVER_API_HOST": HOST, "PREFECT_SERVER_API_PORT": str(port)},
    )


def logs() -> Path:
    """Where the programs write what they have to say."""
    return foldline_home() / "logs"


def start_server(process: Supervised, url: str) -> None:
    """Start the server and wait until it answers. Raises WorkerError if it does not."""
    process.start()
    deadline = time.monotonic() + START_WITHIN
    while not _answers(url):
        if not process.alive or time.monotonic() > deadline:
            log = logs() / f"{process.program.name}.log"
            last = log.read_text(errors="replace").splitlines()[-1:] or ["nothing"]
            raise WorkerError(f"Prefect's server does not start. Its last words: {last[0]}. Read {log}.")
        time.sleep(0.2)


def start_workers(programs: Sequence[Program], logs: Path | None) -> list[Supervised]:
    """Start them all; they write below `logs`, or else where this process writes."""
    workers = [Supervised(program, logs) for program in programs]
    for worker in workers:
        worker.start()
    return workers


def keep_running(processes: Sequence[Supervised], say: Callable[[str], None]) -> None:
    """Start again whatever dies, until this process is interrupted; take workers with sick GPUs out of service.

    Raises:
        WorkerError: nothing is left to keep running.
    """
    kept = list(processes)
    while kept:
        for process in list(kept):
            note = sick_device_note(process.program.name.removeprefix("worker-"))
            if note.exists():
                end_all([process])
                kept.remove(process)
                why = note.read_text(encoding="utf-8")
                say(f"{process.program.name} is out of service until it is started again. {why}")
            else:
                process.look(say)
        time.sleep(LOOK_EVERY)
    raise WorkerError("All workers are out of service. Mend their GPUs, then start them again.")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except OSError:
        return False
