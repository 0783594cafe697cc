"""What can go wrong while a retrain runs, done for real."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.chaos.world import World

AWAY = 30.0
"""Seconds that the store is away."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to a world while a run is under way."""

    name: str
    strike: Callable[[World, Random], Callable[[], None]]
    """Does it; returns what is to be done when the run has ended, to leave the world as it was."""


class MissedError(Exception):
    """The run has ended before the fault found what it was to hit."""


def nothing() -> None:
    """Nothing is to be done afterwards."""


def kill_training(world: World, random: Random) -> Callable[[], None]:
    """The process that trains a fold, as when the kernel is out of memory."""
    _kill(world, random, "slot-", "prefect.engine")
    return nothing


def kill_retrain(world: World, random: Random) -> Callable[[], None]:
    """The process of the parent, while its folds go on."""
    _kill(world, random, "cpu", "prefect.engine")
    return nothing


def kill_gpu_worker(world: World, random: Random) -> Callable[[], None]:
    """A worker, while a fold is trained below it."""
    os.kill(_training_worker(world, random), signal.SIGKILL)
    return nothing


def kill_cpu_worker(world: World, random: Random) -> Callable[[], None]:
    """The worker of the parent."""
    _kill(world, random, "cpu", "worker start")
    return nothing


def kill_server(world: World, random: Random) -> Callable[[], None]:
    """The Prefect server."""
    _kill(world, random, "", "server start")
    return nothing


def freeze_server(world: World, random: Random) -> Callable[[], None]:
    """The Prefect server, for longer than a run may be without a heartbeat."""
    (server,) = world.processes("", "server start")
    os.kill(server, signal.SIGSTOP)
    time.sleep(random.uniform(60, 120))
    os.kill(server, signal.SIGCONT)
    return nothing


def kill_postgres(world: World, random: Random) -> Callable[[], None]:
    """The database, which is started again a little later."""
    world.postgres.kill()
    time.sleep(random.uniform(1, 10))
    world.postgres.start()
    return nothing


def stop_store(world: World, random: Random) -> Callable[[], None]:
    """The store, for half a minute."""
    del random
    world.store_server.stop()
    time.sleep(AWAY)
    world.store_server.start()
    return nothing


def freeze_worker(world: World, random: Random) -> Callable[[], None]:
    """A worker and the training below it, until the run has ended without them."""
    worker = _training_worker(world, random)
    os.killpg(worker, signal.SIGSTOP)

    def thaw() -> None:
        with suppress(ProcessLookupError):
            os.killpg(worker, signal.SIGCONT)

    return thaw


FAULTS = tuple(
    Fault(strike.__name__.replace("_", " "), strike)
    for strike in (
        kill_training,
        kill_retrain,
        kill_gpu_worker,
        kill_cpu_worker,
        kill_server,
        kill_postgres,
        stop_store,
        freeze_worker,
        freeze_server,
    )
)


def _training_worker(world: World, random: Random) -> int:
    """A worker below which a fold is trained: it leads the group of all that it has started."""
    return os.getpgid(random.choice(_find(world, "slot-", "prefect.engine")))


def _kill(world: World, random: Random, whose: str, command: str) -> None:
    """Kill with -9 one of the processes whose environment or command says whose it is."""
    os.kill(random.choice(_find(world, whose, command)), signal.SIGKILL)


def _find(world: World, whose: str, command: str) -> list[int]:
    """Such processes, as soon as there are some. Raises MissedError if there are none until the run has ended."""
    while not (found := world.processes(whose, command)):
        if world.has_ended():
            raise MissedError
        time.sleep(0.2)
    return found
