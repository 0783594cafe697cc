import pytest

from tasks import patience
from tasks.errors import DataError, StoreUnavailableError
from tasks.patience import patiently, pauses
from tasks.progress import reporting_to
from tests.notebook import Notebook


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", waited.append)
    return waited


class Away:
    """Somebody who can be reached at the last of so many attempts."""

    def __init__(self, attempts: int, error: Exception) -> None:
        self.attempts = attempts
        self._error = error

    def __call__(self) -> str:
        self.attempts -= 1
        if self.attempts:
            raise self._error
        return "here"


def test_who_is_away_is_asked_again(short_waits: list[float]) -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        assert patiently(Away(3, StoreUnavailableError("the server is down")), StoreUnavailableError) == "here"
    assert len(short_waits) == 2
    assert all("the server is down" in line for line in notebook.lines)


def test_what_trying_again_cannot_mend_is_told_at_once(short_waits: list[float]) -> None:
    away = Away(3, DataError("3 photos are torn"))
    with pytest.raises(DataError):
        patiently(away, StoreUnavailableError)
    assert (away.attempts, short_waits) == (2, [])


def test_patience_ends(short_waits: list[float]) -> None:
    with pytest.raises(StoreUnavailableError):
        patiently(Away(10_000, StoreUnavailableError()), StoreUnavailableError)
    assert patience.PATIENCE / 2 < sum(short_waits) < patience.PATIENCE + patience.LONGEST_PAUSE


def test_pauses_double_up_to_the_longest_and_are_never_the_same_for_all() -> None:
    ours, theirs = (list(pauses(first=1, longest=8, total=60)) for _ in range(2))
    full = [1, 2, 4, 8, 8, 8, 8, 8, 8, 8]
    assert len(ours) == len(full)
    assert all(most / 2 <= pause <= most for pause, most in zip(ours, full, strict=True))
    assert ours != theirs
