"""Spreading many alike calls of a Prefect task: over threads, over processes, or over the machines of a Ray cluster."""

import os
from collections.abc import Generator, Iterable, Mapping
from multiprocessing import parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast, get_args

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from prefect import Task
    from prefect.task_runners import TaskRunner

P = ParamSpec("P")
R = TypeVar("R")

VARIABLE = "FOLDLINE_TASK_RUNNER"
"""The variable that says what calls are spread over; threads, if it is not set."""
RunnerName = Literal["threads", "processes", "ray"]


def runner_name() -> RunnerName:
    """What the environment says that calls are spread over. Raises ConfigError if there is no such thing here."""
    name = os.environ.get(VARIABLE) or "threads"
    if name not in get_args(RunnerName):
        raise ConfigError(f"{VARIABLE} is {name!r}; it can be {', '.join(get_args(RunnerName))}.")
    return cast("RunnerName", name)


def fan_out(task: "Task[P, R]", calls: Iterable[Mapping[str, object]], threads: int) -> Generator[R, None, None]:
    """The results of a task's `calls`, each told by its parameters, as they come, until it is closed.

    Args:
        task: the task; elsewhere its package must be installed, and what its parameters name must be in reach.
        calls: the parameters.
        threads: how many calls run at once, if it is threads that they are spread over.

    Raises:
        ConfigError: the environment names a runner that is not there.
        Whatever a call raises; those that have not begun are not made then.
    """
    from prefect.futures import as_completed

    with _open_runner(threads) as runner:
        for future in as_completed([runner.submit(task, dict(call)) for call in calls]):
            yield future.result()


def _end_with_parent() -> None:
    """Let this process end when the one that started it does: killed, that one could tell nobody."""
    parent = parent_process()

    def wait() -> None:
        if parent:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


def _open_runner(threads: int) -> "TaskRunner[Any]":
    from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

    name = runner_name()
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=threads)
    if name == "processes":
        return ProcessPoolTaskRunner(initializer=_end_with_parent)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers
    try:
        from prefect_ray import RayTaskRunner
    except ImportError as error:
        raise ConfigError(f"{VARIABLE} is ray, which is not installed: pip install 'foldline[ray]'.") from error
    return cast("TaskRunner[Any]", RayTaskRunner())
