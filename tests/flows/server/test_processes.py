import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from flows.server import processes
from flows.server.processes import Program, Supervised, end_all

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
"""Starts another process, prints the numbers of both, and works on."""
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(600)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Supervised]]:
    """Starts a Python program under supervision."""
    started: list[Supervised] = []

    def start(code: str) -> Supervised:
        started.append(Supervised(Program("worker", [sys.executable, "-c", code], {"COLOUR": "blue"}), tmp_path))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.end(0.0)


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def numbers(process: Supervised, starts: int) -> list[int]:
    """The numbers of both processes, once it has started so often."""
    wait_for(lambda: process.log and process.log.exists() and len(process.log.read_text().splitlines()) >= starts)
    return [int(number) for number in process.log.read_text().splitlines()[starts - 1].split()]


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_dies_comes_back_and_what_it_had_started_goes(start: Callable[[str], Supervised]) -> None:
    process, said = start(PARENT), list[str]()
    parent, child = numbers(process, 1)
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: not process.alive)
    assert not gone(child)
    process.look(said.append)
    wait_for(lambda: gone(child))
    assert "worker has died (killed by SIGKILL); it starts again now" in said[0]
    assert numbers(process, 2)[0] != parent


def test_what_dies_at_once_again_and_again_waits_longer_each_time(
    start: Callable[[str], Supervised], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [time.monotonic()]
    monkeypatch.setattr(processes.time, "monotonic", lambda: clock[0])
    process, said, starts = start("raise SystemExit(3)"), list[str](), list[float]()
    for _ in range(40):
        if process.alive:
            starts.append(clock[0])
            process._process.wait()  # type: ignore[union-attr]
        process.look(said.append)
        clock[0] += 1.0
    assert "status 3" in said[0]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(starts) < 12
    assert gaps[-1] > gaps[0]


def test_all_end_when_they_are_asked_to(start: Callable[[str], Supervised]) -> None:
    process = start(PARENT)
    parent, child = numbers(process, 1)
    end_all([process])
    wait_for(lambda: gone(parent) and gone(child))


def test_what_does_not_listen_is_killed(start: Callable[[str], Supervised], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "END_WITHIN", 0.5)
    process = start(DEAF)
    wait_for(lambda: "deaf" in process.log.read_text())
    began = time.monotonic()
    end_all([process])
    assert not process.alive
    assert time.monotonic() - began < 5


def test_programs_end_with_whoever_started_them_even_if_that_one_is_killed(tmp_path: Path) -> None:
    supervisor = f"""
import sys, time
from pathlib import Path
from flows.server.processes import Program, Supervised
process = Supervised(Program("worker", [sys.executable, "-c", {PARENT!r}], {{}}), Path({str(tmp_path)!r}))
process.start()
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", supervisor], cwd=Path(__file__).parents[3])
    log = tmp_path / "worker.log"
    wait_for(lambda: log.exists() and log.read_text().strip() != "")
    parent, child = (int(number) for number in log.read_text().split())
    process.kill()
    process.wait()
    wait_for(lambda: gone(parent))
    os.kill(child, signal.SIGKILL)


def test_program_gets_its_own_variables_beside_ours(
    start: Callable[[str], Supervised], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAPE", "round")
    process = start("import os\nprint(os.environ['COLOUR'], os.environ['SHAPE'], flush=True)")
    wait_for(lambda: "blue round" in process.log.read_text())


def test_log_that_has_grown_large_is_put_aside(
    start: Callable[[str], Supervised], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 3)
    process = start("import time\nprint('first', flush=True)\ntime.sleep(2)\nprint('last', flush=True)\ntime.sleep(60)")
    assert process.log
    log = process.log
    wait_for(lambda: "first" in log.read_text())
    process.look(lambda _: None)
    assert "first" in log.with_suffix(".log.old").read_text()
    wait_for(lambda: log.read_text() == "last\n")
