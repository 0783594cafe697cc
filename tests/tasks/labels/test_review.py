from pathlib import Path

import pandas as pd
import pytest

from tasks.corrections.csv_file import read_corrections
from tasks.errors import DataError
from tasks.labels.review import write_review
from tasks.tables import CORRECTIONS, SUSPECTS

PHOTO, PERSON = "train/images/p1/normal.jpg", "p1"
GENDER = (PHOTO, PERSON, "gender", "male", "female", 0.0214)
STATE = (PHOTO, PERSON, "mask", "normal", "mask", 0.3)
AGE = (PHOTO, PERSON, "age", "<30", ">=60", 0.1)
WHY = "the out-of-fold models give the label"


def catalog(state: str = "normal", gender: str = "male") -> pd.DataFrame:
    """A photo of a person, with the labels that the data gives."""
    return pd.DataFrame([{"photo": PHOTO, "given_state": state, "given_gender": gender}])


def review(folder: Path, *suspects: tuple[object, ...], photos: pd.DataFrame | None = None) -> list[str]:
    """Lines of the corrections file of these suspects."""
    table = SUSPECTS.conform(pd.DataFrame(suspects, columns=SUSPECTS.column_names))
    write_review(folder / "corrections.csv", table, catalog() if photos is None else photos)
    return (folder / "corrections.csv").read_text(encoding="utf-8").splitlines()


def test_suspects_are_rows_of_a_corrections_file_in_their_order(tmp_path: Path) -> None:
    assert review(tmp_path, GENDER, STATE) == [
        ",".join(CORRECTIONS.column_names),
        f"{PERSON},gender,male,female,{WHY} 2.1%,,",
        f"{PHOTO},state,normal,mask,{WHY} 30.0%,,",
    ]


def test_age_groups_are_left_out_as_they_are_no_ages(tmp_path: Path) -> None:
    assert len(review(tmp_path, AGE)) == 1


def test_label_that_has_been_corrected_is_left_out(tmp_path: Path) -> None:
    (_, row) = review(tmp_path, GENDER, STATE, photos=catalog(gender="female"))
    assert row.startswith(PHOTO)
    assert len(review(tmp_path, GENDER, STATE, photos=catalog(state="mask", gender="female"))) == 1


def test_file_is_taken_once_a_person_has_said_who_agrees_and_when(tmp_path: Path) -> None:
    content = "\n".join(review(tmp_path, GENDER, STATE))
    with pytest.raises(DataError, match="2 cells are empty, such as who in line 2") as raised:
        read_corrections(content.encode(), "review")
    assert "2 dates cannot be read, such as '' in line 2." in str(raised.value)
    filled_in = read_corrections(content.replace("%,,", "%,Ana,2026-11-26").encode(), "review")
    assert filled_in[["path", "new"]].to_numpy().tolist() == [[PERSON, "female"], ["p1/normal", "mask"]]
