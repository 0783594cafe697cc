import pytest

from tasks.progress import progress, reporting_to, say, track
from tests.notebook import Notebook


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
