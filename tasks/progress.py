"""How a long step says how far it is, without knowing who listens.

Steps call `track`, `progress` and `say`. Who runs them sets a `Reporter`: the command line draws bars, a worker writes
log lines, and by default nobody listens.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Advance(Protocol):
    """How a stretch of work is advanced."""

    def __call__(self, count: int, note: str = "") -> None:
        """Say that `count` more items are finished, and in a few words how it goes, such as ``loss 0.412``.

        A note holds until another takes its place.
        """


class Reporter(Protocol):
    """Somebody who listens to the progress of steps."""

    def say(self, message: str) -> None:
        """One line about what happens now or has just ended."""

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        """Begin a stretch of `total` items; returns how to advance it and how to end it."""


class _Nobody:
    def say(self, message: str) -> None:
        del message

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        del description, total
        return _ignore, (lambda: None)


def _ignore(count: int, note: str = "") -> None:
    del count, note


_reporter: ContextVar[Reporter] = ContextVar("reporter", default=_Nobody())  # noqa: B039 - it has no state


@contextmanager
def reporting_to(reporter: Reporter) -> Iterator[None]:
    """Let `reporter` listen to everything that happens inside the block."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def current_reporter() -> Reporter:
    """Who listens now; who takes that place for a while may want to pass on what it hears."""
    return _reporter.get()


def say(message: str) -> None:
    """Tell the listener one line."""
    _reporter.get().say(message)


@contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """A stretch of `total` items; yields the function that advances it."""
    advance, end = _reporter.get().start(description, total)
    try:
        yield advance
    finally:
        end()


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Pass `items` on, advancing a stretch of `total` items by one after each."""
    with progress(description, total) as advance:
        for item in items:
            yield item
            advance(1)
