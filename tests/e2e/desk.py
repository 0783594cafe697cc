"""The real command line on a drawn data set, in a folder and with a home of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SMALL = ("folds.count=2", "training.epochs=1", "prepare.height=64", "prepare.width=48", "training.batch_size=8")
"""Changes to the experiment `sample` that make it as quick as can be."""
STEPS = [
    "catalog",
    "validate",
    "faces",
    "validate-faces",
    "prepare",
    "folds",
    "validate-folds",
    "fold-0",
    "fold-1",
    "ensemble",
    "labels",
    "submission",
    "validate-submission",
]
"""What it makes then, in order, before its report."""


@dataclass(frozen=True)
class Desk:
    """Where somebody works with Foldline: a folder with data in it, and the store that runs leave there."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that are set there."""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line; what it prints, errors too, can be read line by line."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("FOLDLINE_", "PREFECT_", "AWS_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=self.folder,
            env={
                **environment,
                **self.environment,
                "FOLDLINE_HOME": str(self.folder / "home"),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=listen_to_interrupts,  # noqa: PLW1509 - no other thread is at work here
        )

    def run(self, *arguments: str, status: int = 0) -> list[str]:
        """Lines that the command line prints; it must exit with `status`."""
        process = self.start(*arguments)
        lines = process.communicate(timeout=150)[0].splitlines()
        assert process.returncode == status, "\n".join(lines)
        return lines

    def stop_at(self, line: str, number: signal.Signals, *arguments: str) -> tuple[int, str]:
        """Start the command line; send it and all that it started a signal once it prints a line that starts so.

        Returns its exit status, and what it prints after that line.
        """
        process = self.start(*arguments)
        assert process.stdout
        seen: list[str] = []
        for printed in process.stdout:
            seen.append(printed)
            if printed.startswith(line):
                break
        assert process.poll() is None, "".join(seen)
        os.killpg(process.pid, number)
        with process.stdout:
            rest = process.stdout.read()
        return process.wait(60), rest


def listen_to_interrupts() -> None:
    """Let a process hear Ctrl-C."""
    # A shell starts background jobs deaf to Ctrl-C, and the tests may run in one.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def retrain(*changes: str) -> Sequence[str]:
    """Arguments of a small retrain of the data at the desk."""
    settings = [part for change in (*SMALL, *changes) for part in ("--set", change)]
    return ("retrain", "--data", "data", "--experiment", "sample", *settings)
