"""The Dockerfile, and what containers start with."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from flows.server.settings import QUIET
from tests.infra.variables import ROOT, unknown

BIN = Path(sys.executable).parent
CONTAINER = ROOT / "infra/container"
STAGES = re.split(r"^(?=FROM )", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
TARGETS = {
    name: next(stage for stage in STAGES if stage.startswith(f"FROM torch-{name} AS")) for name in ("cpu", "cuda")
}


def instructions(stage: str) -> list[str]:
    """Instructions of a stage, comments left out."""
    without_comments = re.sub(r"^\s*#.*\n", "", stage, flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", without_comments).strip().splitlines()


def test_linter_has_nothing_to_say() -> None:
    linted = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_base_is_an_argument_and_everything_stands_on_it() -> None:
    assert "ARG BASE=" in STAGES[0]
    names = {"${BASE}", *re.findall(r"^FROM \S+ AS (\S+)", "".join(STAGES), re.MULTILINE)}
    assert set(re.findall(r"^FROM (\S+)", "".join(STAGES), re.MULTILINE)) <= names


def test_targets_differ_in_their_torch_only() -> None:
    cpu, cuda = (instructions(stage)[1:] for stage in TARGETS.values())
    assert cpu == cuda


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_runs_as_root(target: str) -> None:
    users = re.findall(r"^USER (.*)$", TARGETS[target], re.MULTILINE)
    assert users == ["10001:10001"]  # a number: Kubernetes does not believe that a name is not root


@pytest.mark.parametrize("target", TARGETS)
def test_containers_set_prefect_up_as_foldline_does(target: str) -> None:
    (line,) = [line for line in instructions(TARGETS[target]) if line.startswith("ENV ")]
    variables = dict(part.split("=", 1) for part in line.removeprefix("ENV ").split())
    assert variables.items() >= QUIET.items()
    assert not unknown(variables)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_written_lies_in_the_home(target: str) -> None:
    folders = re.findall(r"\b(?:FOLDLINE_HOME|PREFECT_HOME|PREFECT_SERVER_UI_STATIC_DIRECTORY)=(\S+)", TARGETS[target])
    assert len(folders) == 3
    assert all(folder.startswith("/var/lib/foldline") for folder in folders)


def test_every_copied_file_exists_and_is_sent_to_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in instructions("".join(STAGES))
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    assert not {source for source in copied if not {source, str(Path(source).parent)} & allowed}


def enter(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a container does."""
    return subprocess.run(
        [CONTAINER / "entrypoint.sh", *command],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass word\n")
    file = str(tmp_path / "password")
    said = enter("sh", "-c", 'echo "$PREFECT_API_AUTH_STRING|$1"', "sh", "a b", PREFECT_API_AUTH_STRING_FILE=file)
    assert said.stdout == "pass word|a b\n"


def test_containers_without_secrets_start_too() -> None:
    assert enter("sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_secret_that_is_missing_stops_the_container(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "password").write_text(content)
    ended = enter("echo", "started", PREFECT_SERVER_DATABASE_PASSWORD_FILE=str(tmp_path / "password"))
    assert ended.returncode
    assert not ended.stdout
    assert str(tmp_path / "password") in ended.stderr


class Server(BaseHTTPRequestHandler):
    """Answers as Prefect's server does."""

    workers: ClassVar[list[dict[str, str]]] = []
    seen: ClassVar[dict[str, str | None]] = {}

    def do_GET(self) -> None:
        self.answer(True if self.path == "/api/health" else None)

    def do_POST(self) -> None:
        self.seen[self.path] = self.headers["Authorization"]
        self.answer(self.workers if self.path == "/api/work_pools/cpu/workers/filter" else None)

    def answer(self, body: object) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 -- its name there
        del format


@pytest.fixture
def api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()


def ask_health(api: str, *options: str, **variables: str) -> tuple[int, str]:
    """Exit status of the health check, and what it says."""
    asked = subprocess.run(
        [sys.executable, CONTAINER / "healthy.py", *options],
        env={"PREFECT_API_URL": api, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode, asked.stderr


def worker(seconds_ago: float, name: str = "") -> dict[str, str]:
    heard = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "name": name or f"{os.uname().nodename}-gpu-0",
        "last_heartbeat_time": heard.isoformat().replace("+00:00", "Z"),
    }


def test_server_that_answers_is_healthy(api: str) -> None:
    assert ask_health(api) == (0, "")


def test_server_that_does_not_answer_is_not(api: str) -> None:
    status, said = ask_health(f"{api}/elsewhere")
    assert status == 1
    assert said.startswith(f"{api}/elsewhere: ")


@pytest.mark.parametrize(
    ("heard", "status"),
    [
        ([(20, None)], 0),
        ([(20, "another-gpu-0"), (20, None)], 0),
        ([(300, None)], 1),
        ([(20, "another-gpu-0")], 1),
        ([], 1),
    ],
)
def test_worker_is_healthy_if_the_server_has_just_heard_from_it(
    api: str, heard: list[tuple[int, str | None]], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "workers", [worker(ago, name) for ago, name in heard])
    assert ask_health(api, "--pool", "cpu")[0] == status


def test_health_check_shows_the_password(api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "workers", [worker(1)])
    (tmp_path / "auth").write_text("foldline:secret\n")
    assert ask_health(api, "--pool", "cpu", PREFECT_API_AUTH_STRING_FILE=str(tmp_path / "auth"))[0] == 0
    assert Server.seen["/api/work_pools/cpu/workers/filter"] == "Basic Zm9sZGxpbmU6c2VjcmV0"
