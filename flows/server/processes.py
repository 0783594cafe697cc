"""Keeping processes running: what dies comes back, and all of it ends together."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from tasks.patience import pauses

LOOK_EVERY = 0.5
"""Seconds between two looks at all processes."""
SOUND_AFTER = 60.0
"""A process that has lived so many seconds starts at once when it dies; one that dies sooner waits longer each time."""
END_WITHIN = 15.0
"""Seconds that a process has to end by itself."""
LOG_LIMIT = 50 * 2**20
"""Bytes of a log above which a new one is begun; one older one is kept, without what was written just then."""
PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal that a process gets when its parent dies."""


@dataclass(frozen=True)
class Program:
    """A process that is to run all the time, and everything that it starts."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    """Variables besides those of this process."""


class Supervised:
    """A program's process, started again whenever it has died."""

    def __init__(self, program: Program, logs: Path | None) -> None:
        """`logs`: the folder in which it writes; None: where this process writes."""
        self.program = program
        self.log = logs / f"{program.name}.log" if logs else None
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_at = 0.0
        self._pauses = restarts()

    def start(self) -> None:
        """Start it, in a session of its own: a terminal's Ctrl-C is for those who keep it."""
        with _opened(self.log) as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                self.program.command,
                env={**os.environ, **self.program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_before_it_runs,  # noqa: PLW1509 - no other thread is at work here
            )
        self._started = time.monotonic()

    def look(self, say: Callable[[str], None]) -> None:
        """Start it again if it has died, after a pause if it died soon, and often; begin a new log if it is long."""
        if self.log:
            _cut(self.log)
        if self._process and self._process.poll() is not None:
            # What it has started goes too: a training whose worker is gone would keep the GPU from the next.
            self._kill(self._process)
            pause = self._next_pause()
            how, soon = _how(self._process.returncode), f"in {pause:.0f} s" if pause else "now"
            say(
                f"{self.program.name} has died ({how}); it starts again {soon}."
                + (f" See {self.log}" if self.log else "")
            )
            self._process, self._start_at = None, time.monotonic() + pause
        if not self._process and time.monotonic() >= self._start_at:
            self.start()

    def _next_pause(self) -> float:
        if time.monotonic() - self._started > SOUND_AFTER:
            self._pauses = restarts()
        return next(self._pauses)

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def ask_to_end(self) -> None:
        """Ask it to end by itself."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def end(self, within: float = END_WITHIN) -> None:
        """Wait until it has ended, and kill what has not."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(max(within, 0.0))
            self._kill(self._process)
            self._process.wait()
            self._process = None

    @staticmethod
    def _kill(process: "subprocess.Popen[bytes]") -> None:
        """Kill what is left of its session; the number of a group is not given away while anybody is in it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def until_interrupted() -> Iterator[None]:
    """End the block at Ctrl-C, or at SIGTERM, as systemd and containers send it; what comes after it is done."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell starts background jobs deaf to Ctrl-C
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        yield


def end_all(processes: Sequence[Supervised]) -> None:
    """End all of them, together."""
    for process in processes:
        process.ask_to_end()
    deadline = time.monotonic() + END_WITHIN
    for process in processes:
        process.end(deadline - time.monotonic())


@contextmanager
def _opened(log: Path | None) -> Iterator[IO[bytes] | None]:
    """The log, to be written to its end."""
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        yield file


def _cut(log: Path) -> None:
    """Put a long log aside; whoever writes to its end goes on at its new end."""
    if log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.old"))
        os.truncate(log, 0)


def restarts() -> Iterator[float]:
    """Seconds to wait before each new start."""
    return chain([0.0], pauses(total=float("inf")))


def _before_it_runs() -> None:
    """Let the process hear signals, and end with us even if we are killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
