"""A real Prefect server with real workers, as `foldline up` runs them, and what a test asks of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.store import Backend, open_backend
from tests.e2e.desk import SMALL, listen_to_interrupts

START_WITHIN = 120.0
END_WITHIN = 240.0


@dataclass
class Stack:
    """`foldline up` in a folder, with a home, a port and a store of its own."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: "subprocess.Popen[str] | None" = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()

    @property
    def environment(self) -> dict[str, str]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("FOLDLINE_", "PREFECT_", "AWS_"))}
        return {**ours, "FOLDLINE_HOME": str(self.folder / "home"), "PYTHONUNBUFFERED": "1", **self.variables}

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def output(self) -> str:
        return (self.folder / "up.log").read_text()

    @property
    def store(self) -> Backend:
        return open_backend(self.variables.get("FOLDLINE_STORE", str(self.folder / "foldline-store")))

    def start(self, *arguments: str) -> None:
        """Start it, and wait until it says that it is ready."""
        with (self.folder / "up.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "up", "--slots", "2", "--port", str(self.port), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                preexec_fn=listen_to_interrupts,  # noqa: PLW1509 - no other thread is at work here
            )
        wait_for(lambda: "Ready" in self.output or self.process.poll() is not None, START_WITHIN)  # type: ignore[union-attr]
        assert "Ready" in self.output, self.output

    def stop(self) -> int:
        """Press Ctrl-C, and wait until all of it has ended; returns the exit status."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def cli(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """What a command of Foldline prints that uses the server."""
        answer = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=self.folder,
            env={**self.environment, "PREFECT_API_URL": self.api, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == status, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        with temporary_settings({PREFECT_API_URL: self.api}), get_client(sync_client=True) as client:
            yield client

    def submit(self, deployment: str, **params: object) -> UUID:
        """Start a run of a deployment, as the form does."""
        with self.client() as client:
            found = client.read_deployment_by_name(deployment)
            return client.create_flow_run_from_deployment(found.id, parameters={"params": params}).id

    def read(self, run: UUID) -> FlowRun:
        with self.client() as client:
            return client.read_flow_run(run)

    def wait(self, run: UUID, within: float = END_WITHIN) -> FlowRun:
        """The run when it has ended for good: a crash is no end, as it is resumed. The server may be away meanwhile."""
        found: list[FlowRun] = []

        def ended() -> bool:
            with suppress(HTTPError, PrefectHTTPStatusError):
                found.append(self.read(run))
            state = found[-1].state if found else None
            return bool(state and state.is_final() and not state.is_crashed())

        wait_for(ended, within, pause=1.0)
        return found[-1]

    def children(self, run: UUID) -> list[FlowRun]:
        """Runs that a run has started, oldest first."""
        wanted = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
        with self.client() as client:
            return list(client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC))

    def processes_of(self, run: UUID) -> list[int]:
        """Processes that do a run."""
        return [process for process in self.processes() if _has(process, f"PREFECT__FLOW_RUN_ID={run}")]

    def answers(self) -> bool:
        """Whether the server can be asked."""
        try:
            with self.client() as client:
                return client.hello().is_success
        except HTTPError:
            return False

    def processes(self) -> dict[int, str]:
        """Every process of this stack that is alive, and its command: known by the home that it was started with."""
        return dict(_processes_of(self.environment["FOLDLINE_HOME"]))


def _has(process: int, variable: str) -> bool:
    try:
        return variable in Path(f"/proc/{process}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return False


def small_retrain(*changes: str, **params: object) -> dict[str, object]:
    """Parameters of a retrain that is as quick as can be."""
    return {"data": "data", "experiment": "sample", "overrides": [*SMALL, *changes], **params}


def wait_for(condition: Callable[[], bool], within: float = 60.0, pause: float = 0.2) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {within:.0f} s"
        time.sleep(pause)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _processes_of(home: str) -> Sequence[tuple[int, str]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and f"FOLDLINE_HOME={home}\0" in (folder / "environ").read_text(errors="replace"):
                found.append((int(folder.name), (folder / "cmdline").read_text().replace("\0", " ")))
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return found
