from collections.abc import Callable

import pytest

from tasks.progress import Advance, progress, reporting_to, say, track


class Notebook:
    """Writes everything down."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)

    def start(self, description: str, total: int) -> tuple[Advance, Callable[[], None]]:
        self.lines.append(f"{description} {total}")
        return (lambda count: self.lines.append(f"+{count}")), (lambda: self.lines.append("end"))


def test_listener_hears_every_item_of_a_track() -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        assert list(track("ab", "Letters", 2)) == ["a", "b"]
    assert notebook.lines == ["Letters 2", "+1", "+1", "end"]


def test_stretch_ends_when_its_work_fails() -> None:
    notebook = Notebook()
    with reporting_to(notebook), pytest.raises(ValueError, match="no"), progress("Work", 3):
        raise ValueError("no")
    assert notebook.lines == ["Work 3", "end"]


def test_nobody_listens_outside_the_block() -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        say("inside")
    say("outside")
    assert notebook.lines == ["inside"]
