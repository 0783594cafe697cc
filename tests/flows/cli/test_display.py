import io
import re
from time import sleep

import pytest
from rich.console import Console
from rich.progress import Progress

from flows.cli import display
from flows.cli.display import PlainReporter, RichReporter, progress_display
from tasks.progress import progress, reporting_to, say


def test_plain_lines_tell_how_far_a_stretch_is_and_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 10.0, 12.0, 25.0])
    monkeypatch.setattr(display, "monotonic", lambda: next(clock))
    out = io.StringIO()
    with reporting_to(PlainReporter(Console(file=out))), progress("Reading", 400) as advance:
        for _ in range(3):
            advance(100)
    assert out.getvalue().splitlines() == ["Reading: 200 of 400, 20/s, 10 s left", "Reading: 300 of 400 in 25.0 s"]


def test_plain_lines_end_with_the_latest_note(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 10.0, 12.0])
    monkeypatch.setattr(display, "monotonic", lambda: next(clock))
    out = io.StringIO()
    with reporting_to(PlainReporter(Console(file=out))), progress("Fold 0", 400) as advance:
        advance(100, "loss 0.412")
        advance(100)
    assert out.getvalue().splitlines()[0] == "Fold 0: 200 of 400, 20/s, 10 s left, loss 0.412"


def test_long_lines_are_not_broken_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display():
        say("word " * 60)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_terminal_gets_bars_and_lines_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(display, "Console", lambda **_: terminal)
    with progress_display(), progress("Reading", 2):
        say("[red] is no markup")
    assert "0/2" in out.getvalue()
    assert "[red] is no markup" in out.getvalue()


def test_bar_shows_the_latest_note(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(display, "Console", lambda **_: terminal)
    with progress_display(), progress("Fold 0", 8) as advance:
        advance(4, "loss [0.412]")
        advance(1)
        sleep(0.3)  # bars are drawn anew ten times a second
    assert re.search(r"Fold 0 .*5/8 .*loss \[0\.412\]", out.getvalue())


def test_bar_is_as_far_as_its_stretch_and_goes_when_that_ends() -> None:
    bars = Progress(disable=True)
    advance, end = RichReporter(bars).start("Reading", 4)
    advance(3)
    assert [(bar.description, bar.completed, bar.total) for bar in bars.tasks] == [("Reading", 3, 4)]
    end()
    assert bars.tasks == []
