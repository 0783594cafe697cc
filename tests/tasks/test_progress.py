import pytest

from tasks.progress import current_reporter, progress, reporting_to, say, track
from tests.notebook import Notebook


def test_listener_hears_every_item_of_a_track() -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        assert list(track("ab", "Letters", 2)) == ["a", "b"]
    assert notebook.lines == ["Letters 2", "+1", "+1", "end"]


def test_listener_hears_the_note_with_its_count() -> None:
    notebook = Notebook()
    with reporting_to(notebook), progress("Work", 3) as advance:
        advance(2, "loss 0.412")
        advance(1)
    assert notebook.lines == ["Work 3", "+2 loss 0.412", "+1", "end"]


def test_stretch_with_notes_works_though_nobody_listens() -> None:
    with progress("Work", 1) as advance:
        advance(1, note="loss 0.412")


def test_who_takes_the_listeners_place_can_pass_on_to_it() -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        current_reporter().say("passed on")
    assert notebook.lines == ["passed on"]


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
