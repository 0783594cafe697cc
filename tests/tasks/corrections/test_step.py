from pathlib import Path

import pytest

from tasks.corrections.source import shipped_corrections
from tasks.corrections.step import make_corrections
from tasks.errors import DataError
from tasks.store import Ledger
from tasks.tables import CORRECTIONS

ROWS = """path,attribute,old,new,why,who,date
000020/normal.jpg,state,normal,incorrect,the mask hangs at the chin,Ana,2026-11-26
000021,gender,male,female,seen on all photos,Ana,2026-11-26
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(ROWS)
    return path


def test_step_keeps_the_rows_and_the_file_as_it_was_given(file: Path, ledger: Ledger) -> None:
    made = make_corrections(ledger, str(file))
    assert CORRECTIONS.read(made.path("corrections.parquet"))["path"].tolist() == ["000020/normal", "000021"]
    assert made.path("corrections.csv").read_text() == ROWS
    assert made.manifest.summary == {"corrections": 2, "gender": 1, "age": 0, "state": 1}


def test_same_file_elsewhere_is_reused_and_another_row_makes_others(file: Path, ledger: Ledger, tmp_path: Path) -> None:
    first = make_corrections(ledger, str(file))
    moved = make_corrections(ledger, str(file.rename(tmp_path / "other.csv")))
    (tmp_path / "fewer.csv").write_text("\n".join(ROWS.splitlines()[:2]))
    fewer = make_corrections(ledger, str(tmp_path / "fewer.csv"))
    assert (moved.reused, moved.ref) == (True, first.ref)
    assert (fewer.reused, fewer.ref == first.ref) == (False, False)


def test_file_that_is_wrong_is_an_error_and_nothing_is_stored(file: Path, ledger: Ledger) -> None:
    file.write_text(ROWS.replace("female", "woman"))
    with pytest.raises(DataError, match=r"The corrections .*mine\.csv cannot be used:\n  - 1 new values are no gender"):
        make_corrections(ledger, str(file))
    assert list(ledger.backend.list("")) == []


@pytest.mark.parametrize("name", shipped_corrections())
def test_corrections_that_ship_are_right(name: str, ledger: Ledger) -> None:
    assert make_corrections(ledger, name).manifest.summary["corrections"]


def test_corrections_of_the_competition_are_its_known_label_errors(ledger: Ledger) -> None:
    made = make_corrections(ledger, "competition")
    assert made.manifest.summary == {"corrections": 19, "gender": 11, "age": 0, "state": 8}
    table = CORRECTIONS.read(made.path("corrections.parquet"))
    swapped = table[table["new"].isin(["incorrect", "normal"])].set_index("path")["new"]
    assert swapped.filter(like="/normal").eq("incorrect").all()
    assert swapped.filter(like="/incorrect_mask").eq("normal").all()
    assert len(swapped) == 2 * 3
