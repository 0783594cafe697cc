"""Trying again what failed because somebody could not be reached, who may be restarted just now."""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from tasks.progress import say

Result = TypeVar("Result")
Failures = type[Exception] | tuple[type[Exception], ...]

LONGEST_PAUSE = 60.0
"""Seconds."""
PATIENCE = 15 * 60.0
"""Seconds after which it is given up."""


def pauses(first: float = 1.0, longest: float = LONGEST_PAUSE, total: float = PATIENCE) -> Iterator[float]:
    """Seconds to wait before each new attempt: `first`, doubled up to `longest`, each less up to its half at random.

    What many workers lost at the same moment they do not all ask for again at the same moment (exponential backoff and
    jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter).
    """
    waited, pause = 0.0, first
    while waited < total:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
        waited, pause = waited + pause, min(2 * pause, longest)


def patiently(attempt: Callable[[], Result], failures: Failures) -> Result:
    """What `attempt` returns, tried again after one of these failures. Raises whatever else it raises, and the last."""
    for pause in pauses():
        try:
            return attempt()
        except failures as error:
            say(f"Trying again in {pause:.0f} s. {error or type(error).__name__}")
            time.sleep(pause)
    return attempt()
