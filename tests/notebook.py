"""A listener for the progress of steps."""

from collections.abc import Callable

from tasks.progress import Advance


class Notebook:
    """Writes everything down that it is told about the progress of steps."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        self.lines.append(f"{description} {total}")
        return self._advance, (lambda: self.lines.append("end"))

    def _advance(self, count: int, note: str = "") -> None:
        self.lines.append(f"+{count} {note}".rstrip())
