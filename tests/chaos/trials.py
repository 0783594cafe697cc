"""Trials: a run, a fault at a random moment, and what became of the run."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.faults import FAULTS, Fault, MissedError
from tests.chaos.world import ENDS_WITHIN, Result, World

STRIKES_WITHIN = 25.0
"""Seconds after its start in which a run has its fault; undisturbed it takes some 30 s."""


def run_trials(trials: Sequence[tuple[int, str]]) -> list[tuple[str, Result]]:
    """Do trials one after another in a world of their own."""
    folder = Path(tempfile.mkdtemp(prefix="foldline-chaos-"))
    world, results = World(folder), list[tuple[str, Result]]()
    try:
        faults = {fault.name: fault for fault in FAULTS}
        _ = world.undisturbed
        for seed, name in trials:
            random = Random(seed)
            while not (result := run_trial(world, faults[name], random)):
                continue
            results.append((name, result))
            verdict = "; ".join(result.broken) or "ok"
            print(f"{name:<18} {result.seconds:4.0f} s, {result.attempts} runs of folds: {verdict}", flush=True)
    finally:
        left = world.close()
    if left:
        results.append(("Ctrl-C", Result(0.0, 0, tuple(left))))
    if not any(result.broken for _, result in results):
        shutil.rmtree(folder)  # else somebody wants to read the logs
    return results


def run_trial(world: World, fault: Fault, random: Random) -> Result | None:
    """Let a fault happen to a run; what became of it. None if the run was quicker."""
    began = time.monotonic()
    run = world.submit()
    time.sleep(random.uniform(0, STRIKES_WITHIN))
    try:
        undo = fault.strike(world, random)
    except MissedError:
        world.stack.wait(run, ENDS_WITHIN)
        return None
    try:
        ended = world.stack.wait(run, ENDS_WITHIN)
    except AssertionError:
        return Result(time.monotonic() - began, len(world.stack.children(run)), ("the run does not end",))
    finally:
        undo()
    seconds = time.monotonic() - began
    return Result(seconds, len(world.stack.children(run)), world.broken(ended))
