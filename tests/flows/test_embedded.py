"""Running a flow in one process: what it loads, and what becomes of it and its server when one of them dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLOW = """
import os, signal, sys
from pathlib import Path

from flows.embedded import run_embedded


def server() -> int:
    tasks = Path("/proc/self/task").iterdir()
    return next(int(child) for task in tasks for child in (task / "children").read_text().split())


def run() -> str:
    from prefect import flow, task

    @task
    def step() -> str:
        return "done"

    @flow
    def chain() -> str:
        step()
        between()
        return step()

    return chain()


def between() -> None:
    {between}


print(run_embedded(run), flush=True)
"""


def start(home: Path, between: str, **variables: str) -> "subprocess.Popen[str]":
    """Start a process that runs a flow and does `between` in it."""
    return subprocess.Popen(
        [sys.executable, "-c", FLOW.format(between=between)],
        env={**os.environ, "FOLDLINE_HOME": str(home), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(home: Path, between: str, **variables: str) -> tuple[int, str]:
    """Run it; its exit status, and what it prints."""
    process = start(home, between, **variables)
    printed = process.communicate(timeout=200)[0]
    return process.returncode, printed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's database is made once, which takes the longest."""
    return tmp_path_factory.mktemp("home")


def test_process_of_a_run_does_not_load_the_server(home: Path) -> None:
    assert run(home, 'print("prefect.server.api.server" in sys.modules)') == (0, "False\ndone\n")


def test_flow_goes_on_when_its_server_is_killed(home: Path) -> None:
    status, printed = run(home, "os.kill(server(), signal.SIGKILL)")
    assert (status, printed.splitlines()[-1]) == (0, "done"), printed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_killed_run_leaves_no_server_behind(home: Path) -> None:
    process = start(home, "print(server(), flush=True); signal.pause()")
    assert process.stdout
    with process.stdout:
        server = Path("/proc", process.stdout.readline().strip())
    assert server.is_dir()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    deadline = time.monotonic() + 30
    while server.is_dir() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not server.exists()


def test_server_that_cannot_start_is_told_at_once(tmp_path: Path) -> None:
    nowhere = f"sqlite+aiosqlite:///{tmp_path}/missing/prefect.db"
    status, printed = run(tmp_path, "pass", PREFECT_SERVER_DATABASE_CONNECTION_URL=nowhere)
    assert status == 1
    assert "WorkerError: Prefect's server does not start" in printed.splitlines()[-1]
