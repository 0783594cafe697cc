"""The workers of this machine, as programs to keep running."""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.server.processes import Program
from flows.server.settings import WORKER
from flows.sick_device import NOTE
from tasks.home import foldline_home

CPU_RUNS = 4
"""Runs of the pool `cpu` at once: a retrain mostly waits for its folds."""


def cpu_workers(runs: int = CPU_RUNS) -> list[Program]:
    """The worker of the pool `cpu`, which sees no GPU, and the keeper, who resumes its runs."""
    keeper = Program(name="keeper", command=[sys.executable, "-m", "flows.server.keeper"], environment={})
    return [_worker("cpu", "cpu", runs, {"CUDA_VISIBLE_DEVICES": ""}), keeper]


def gpu_workers(gpus: Sequence[str]) -> list[Program]:
    """A worker a GPU: each sees only its own, and takes a run at a time."""
    # Numbers are the driver's; CUDA by itself would count the fastest first.
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return [_worker("gpu", f"gpu-{gpu}", 1, {**order, "CUDA_VISIBLE_DEVICES": gpu}) for gpu in gpus]


def slot_workers(slots: int) -> list[Program]:
    """Workers of the pool `gpu` that train on cores, of which each has its share."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // slots))
    environment = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": threads}
    return [_worker("gpu", f"slot-{slot}", 1, environment) for slot in range(slots)]


def sick_device_note(worker: str) -> Path:
    """Where a run of that worker says that its GPU computes wrongly."""
    return foldline_home() / "sick-devices" / socket.gethostname() / worker  # a home may be on several machines


def _worker(pool: str, name: str, runs: int, environment: dict[str, str]) -> Program:
    note = sick_device_note(name)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)  # whoever starts the workers has looked after it
    command = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", pool]
    return Program(
        name=f"worker-{name}",
        command=[*command, "--name", f"{socket.gethostname()}-{name}", "--limit", str(runs)],
        environment={
            **WORKER,
            **environment,
            NOTE: str(note),
            # `python`, with which runs start, is the one that has Foldline.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        },
    )
