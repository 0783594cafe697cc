"""What a person sees while steps work: bars in a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from tasks.progress import Advance, reporting_to

LINE_EVERY = 10.0
"""Seconds between two plain lines about the same stretch of work."""


@contextmanager
def progress_display() -> Iterator[None]:
    """Show the progress of everything inside the block."""
    console = Console(highlight=False)
    if not console.is_terminal:
        with reporting_to(PlainReporter(console)):
            yield
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        transient=True,
    )
    with bars, reporting_to(RichReporter(bars)):
        yield


class RateColumn(ProgressColumn):
    """Photos a second."""

    def render(self, task: Task) -> Text:
        """The rate, once it is known."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "", style="progress.data.speed")


class RichReporter:
    """Draws a bar for every stretch of work."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def say(self, message: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(message, markup=False)

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        """Add a bar; it goes when the stretch ends."""
        task = self._bars.add_task(description, total=total, note="")

        def advance(count: int, note: str = "") -> None:
            if note:
                self._bars.update(task, note=note)
            self._bars.advance(task, count)

        return advance, (lambda: self._bars.remove_task(task))


class PlainReporter:
    """Prints a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, message: str) -> None:
        """Print a line."""
        self._console.print(message, markup=False, soft_wrap=True)

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        """Print how far a stretch is, but not more often than every LINE_EVERY seconds."""
        began = told = monotonic()
        done, latest = 0, ""

        def advance(count: int, note: str = "") -> None:
            nonlocal done, latest, told
            done, latest = done + count, note or latest
            now = monotonic()
            if now - told >= LINE_EVERY and done < total:
                told = now
                rate = done / (now - began)
                left = f"{(total - done) / rate:.0f} s left"
                self.say(", ".join(filter(None, [f"{description}: {done} of {total}", f"{rate:.0f}/s", left, latest])))

        def end() -> None:
            self.say(f"{description}: {done} of {total} in {monotonic() - began:.1f} s")

        return advance, end
