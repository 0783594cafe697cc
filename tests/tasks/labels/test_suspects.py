from itertools import cycle, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import JsonValue

from tasks.classes import AGE_GROUPS, GENDERS, STATE_OF_FILE, STATES, encode_class
from tasks.labels.step import find_suspects
from tasks.labels.suspects import list_suspects
from tasks.store import Artifact, Ledger, Step
from tasks.store.folder import FolderBackend
from tasks.tables import CATALOG, CLASS_COLUMNS, PROBABILITIES, SUSPECTS, Table

AGES = {"<30": 20, "30-59": 40, ">=60": 60}


@pytest.fixture
def catalog() -> pd.DataFrame:
    """Thirty persons, five of each gender and age group, and one eval photo."""
    kinds = cycle(product(GENDERS, AGE_GROUPS))
    rows = [
        {
            "photo": f"train/images/p{number:02}/{name}.jpg",
            "split": "train",
            "person": f"p{number:02}",
            "group": f"p{number:02}",
            "state": state,
            "gender": gender,
            "age": AGES[age_group],
            "age_group": age_group,
            "class": encode_class(state, gender, age_group),
        }
        for number, (gender, age_group) in zip(range(30), kinds, strict=False)
        for name, state in STATE_OF_FILE.items()
    ]
    frame = pd.DataFrame([*rows, {"photo": "eval/images/a.jpg", "split": "eval"}])
    return CATALOG.conform(frame.assign(**dict.fromkeys(set(CATALOG.column_names) - set(frame), 0)))


@pytest.fixture
def oof(catalog: pd.DataFrame) -> pd.DataFrame:
    """Models that see the truth in every training photo, the surer the earlier it stands in the catalog."""
    train = catalog[catalog["split"] == "train"]
    certainty = np.linspace(0.99, 0.8, len(train))
    spread = np.repeat(((1 - certainty) / 17)[:, None], 18, axis=1)
    spread[np.arange(len(train)), train["class"].to_numpy(dtype=int)] = certainty
    return pd.DataFrame(spread, columns=CLASS_COLUMNS).assign(photo=train["photo"])


def relabel(catalog: pd.DataFrame, rows: "pd.Series[bool]", column: str, value: str) -> pd.DataFrame:
    wrong = catalog.copy()
    wrong.loc[rows, column] = value
    return wrong


def test_attribute_that_is_the_same_for_all_has_no_suspects(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    everybody = relabel(catalog, catalog["split"] == "train", "gender", GENDERS[1])
    assert "gender" not in set(list_suspects(everybody, oof)["attribute"])


def test_clean_labels_give_no_suspects(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    assert list_suspects(catalog, oof).empty


def test_wrong_state_of_one_photo_is_found(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    photo = "train/images/p03/mask2.jpg"
    found = list_suspects(relabel(catalog, catalog["photo"] == photo, "state", "normal"), oof)
    assert found[["photo", "person", "attribute", "given", "suggested"]].values.tolist() == [
        [photo, "p03", "mask", "normal", "mask"]
    ]


@pytest.mark.parametrize(
    "case",
    [("gender", "gender", "female", "male"), ("age", "age_group", ">=60", "<30")],
)
def test_wrong_label_of_a_person_is_one_suspect_shown_by_the_bare_photo(
    catalog: pd.DataFrame, oof: pd.DataFrame, case: tuple[str, str, str, str]
) -> None:
    attribute, column, given, suggested = case
    found = list_suspects(relabel(catalog, catalog["person"] == "p00", column, given), oof)
    assert found[["photo", "attribute", "given", "suggested"]].values.tolist() == [
        ["train/images/p00/normal.jpg", attribute, given, suggested]
    ]


def test_person_without_a_bare_photo_is_shown_by_the_first_one(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    wrong = relabel(catalog, catalog["person"] == "p00", "gender", "female")
    kept = wrong[wrong["photo"] != "train/images/p00/normal.jpg"]
    found = list_suspects(kept, oof)
    assert found["photo"].tolist() == ["train/images/p00/incorrect_mask.jpg"]


def test_confidence_of_a_person_is_the_mean_over_the_photos(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    found = list_suspects(relabel(catalog, catalog["person"] == "p00", "gender", "female"), oof)
    of_person = oof[oof["photo"].str.contains("/p00/")]
    female = [column for number, column in enumerate(CLASS_COLUMNS) if (number // 3) % 2]
    assert found["confidence"].item() == pytest.approx(of_person[female].sum(axis=1).mean())


def test_most_doubtful_label_comes_first(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    wrong = relabel(catalog, catalog["photo"] == "train/images/p10/mask1.jpg", "state", "incorrect")
    found = list_suspects(relabel(wrong, wrong["person"] == "p00", "age_group", ">=60"), oof)
    assert found["attribute"].tolist() == ["age", "mask"]
    assert found["confidence"].is_monotonic_increasing


def test_state_that_no_photo_has_is_no_obstacle(catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    kept = catalog[(catalog["state"] != STATES[1]) & (catalog["age_group"] != ">=60")]
    wrong = relabel(kept, kept["photo"] == "train/images/p00/normal.jpg", "state", "mask")
    assert list_suspects(wrong, oof)["suggested"].tolist() == ["normal"]


def test_step_stores_the_suspects_and_counts_them(tmp_path: Path, catalog: pd.DataFrame, oof: pd.DataFrame) -> None:
    ledger = Ledger(FolderBackend(tmp_path))
    wrong = relabel(catalog, catalog["person"] == "p00", "gender", "female").assign(given_gender="female")

    def planted(name: str, file: str, table: Table, frame: pd.DataFrame) -> Artifact:
        def compute(folder: Path) -> dict[str, JsonValue]:
            table.write(frame, folder / file)
            return {}

        return ledger.produce(Step(name=name, package="tasks.classes"), {}, None, compute)

    suspects = find_suspects(
        ledger,
        planted("catalog", "catalog.parquet", CATALOG, wrong),
        planted("ensemble", "oof.parquet", PROBABILITIES, oof),
    )
    assert SUSPECTS.read(suspects.path("suspects.parquet"))["person"].tolist() == ["p00"]
    assert "\np00,gender,female,male,the out-of-fold models give " in suspects.path("corrections.csv").read_text()
    assert suspects.manifest.summary == {"suspects": 1, "mask": 0, "gender": 1, "age": 0}
