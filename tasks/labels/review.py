"""The suspects as a corrections file: a person reviews it, and hands it to the next run."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from tasks.tables import CORRECTIONS

GIVEN = {"mask": "given_state", "gender": "given_gender"}
"""The catalog's column that holds what the data says, by attribute. Ages are left out: a group is no age."""

Suspect = Mapping[Hashable, object]
"""A row of the suspects table, with the given columns of its photo."""


def write_review(path: Path, suspects: pd.DataFrame, catalog: pd.DataFrame) -> None:
    """Write a row a suspect, the most doubtful first; who and date are for the person to fill in who agrees.

    A label that has been corrected is left out: a person has decided on it already.
    """
    doubted = suspects.merge(catalog[["photo", *GIVEN.values()]], on="photo", validate="many_to_one")
    rows = [_row(suspect) for suspect in doubted.to_dict("records") if _is_as_given(suspect)]
    table = CORRECTIONS.conform(pd.DataFrame(rows, columns=CORRECTIONS.column_names))
    table.to_csv(path, index=False, lineterminator="\n")


def _is_as_given(suspect: Suspect) -> bool:
    column = GIVEN.get(str(suspect["attribute"]))
    return column is not None and suspect[column] == suspect["given"]


def _row(suspect: Suspect) -> dict[str, object]:
    is_state = suspect["attribute"] == "mask"
    return {
        "path": suspect["photo"] if is_state else suspect["person"],
        "attribute": "state" if is_state else suspect["attribute"],
        "old": suspect["given"],
        "new": suspect["suggested"],
        "why": f"the out-of-fold models give the label {suspect['confidence']:.1%}",
        "who": "",
        "date": "",
    }
