import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import JsonValue

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.store import Artifact, Ledger, Step
from tasks.submission.step import likeliest_classes, make_submission
from tasks.tables import CATALOG, CLASS_COLUMNS, PROBABILITIES


def probabilities(photos: list[str]) -> pd.DataFrame:
    values = np.random.default_rng(1).dirichlet(np.ones(18), len(photos))
    return pd.DataFrame(values, columns=CLASS_COLUMNS).assign(photo=photos)


def ensemble(ledger: Ledger, table: pd.DataFrame) -> Artifact:
    def compute(folder: Path) -> dict[str, JsonValue]:
        PROBABILITIES.write(table, folder / "eval.parquet")
        return {"macro_f1": 0.5}

    return ledger.produce(Step("ensemble", "tasks.classes"), {"n": str(len(table))}, None, compute)


def test_submission_is_the_likeliest_class_of_every_row_of_info_csv(sample_data: Path, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    photos = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'eval'")["photo"].tolist()
    table = probabilities(photos)
    artifact = make_submission(ledger, catalog, ensemble(ledger, table))
    lines = artifact.path("submission.csv").read_text().splitlines()
    with (sample_data / "eval/info.csv").open(newline="") as file:
        images = [row["ImageID"] for row in csv.DictReader(file)]
    likeliest = table[CLASS_COLUMNS].to_numpy().argmax(axis=1)
    assert lines == ["ImageID,ans", *(f"{image},{answer}" for image, answer in zip(images, likeliest, strict=True))]
    receipt = json.loads(artifact.path("receipt.json").read_text())
    assert (receipt["rows"], receipt["macro_f1_out_of_fold"]) == (14, 0.5)
    assert list(receipt["photos_by_class"].values()) == np.bincount(likeliest, minlength=18).tolist()


def test_probability_that_is_no_number_stops_the_submission() -> None:
    table = probabilities(["a", "b"])
    table.loc[1, "p03"] = np.nan
    with pytest.raises(DataError, match="1 photos have a probability that is no number, such as b"):
        likeliest_classes(table, ["a", "b"])


@pytest.mark.parametrize("photos", [["b", "a"], ["a"], ["a", "c"]])
def test_ensemble_of_other_photos_stops_the_submission(photos: list[str]) -> None:
    with pytest.raises(DataError, match="answers 2 photos, but not the"):
        likeliest_classes(probabilities(["a", "b"]), photos)
