"""Everything that a report reads of a run, joined photo by photo."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import JsonValue

from tasks.store import Artifact
from tasks.tables import (
    CATALOG,
    CLASS_COLUMNS,
    FOLDS,
    HISTORY,
    OFFENDERS,
    PROBABILITIES,
    RESULTS,
    SUSPECTS,
    Table,
)


@dataclass(frozen=True)
class RunTables:
    """A run's tables.

    Attributes:
        experiment: its name.
        artifacts: what the run used and made, by name: ``catalog``, ``fold-0`` and so on.
        train: training photos that a model held out, with all columns of the catalog, `fold`, `predicted` (class, out
            of fold) and `probability` (of that class).
        trainable: number of training photos, held out or not.
        eval: evaluation photos with `predicted` (class, as submitted) and `probability` (of that class).
        histories: the history table of every fold, by its number.
        results: the results tables of all validations, one after another.
        offenders: their offenders tables, likewise.
        figures: figures of the data set, by name.
        suspects: the suspects table.
    """

    experiment: str
    artifacts: Mapping[str, Artifact]
    train: pd.DataFrame
    trainable: int
    eval: pd.DataFrame
    histories: Mapping[int, pd.DataFrame]
    results: pd.DataFrame
    offenders: pd.DataFrame
    figures: Mapping[str, JsonValue]
    suspects: pd.DataFrame


def read_tables(artifacts: Mapping[str, Artifact], experiment: str) -> RunTables:
    """Read what a report needs from the artifacts of a run."""
    catalog = CATALOG.read(artifacts["catalog"].path("catalog.parquet"))
    return RunTables(
        experiment=experiment,
        artifacts=artifacts,
        train=_train(catalog, artifacts),
        trainable=int((catalog["split"] == "train").sum()),
        eval=_eval(catalog, artifacts),
        histories={number: HISTORY.read(fold.path("history.parquet")) for number, fold in folds_of(artifacts).items()},
        results=_read_validations(RESULTS, "results.parquet", artifacts),
        offenders=_read_validations(OFFENDERS, "offenders.parquet", artifacts),
        figures=json.loads(artifacts["catalog"].path("eda.json").read_text()),
        suspects=SUSPECTS.read(artifacts["labels"].path("suspects.parquet")),
    )


def folds_of(artifacts: Mapping[str, Artifact]) -> dict[int, Artifact]:
    """The fold models among the artifacts of a run, by the number of the fold, in order."""
    numbers = sorted(int(name.removeprefix("fold-")) for name in artifacts if name.startswith("fold-"))
    return {number: artifacts[f"fold-{number}"] for number in numbers}


def validations_of(artifacts: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """The validations among the artifacts of a run, by name; there may be none."""
    return {name: artifact for name, artifact in artifacts.items() if name.startswith("validate")}


def _read_validations(table: Table, name: str, artifacts: Mapping[str, Artifact]) -> pd.DataFrame:
    tables = [table.read(artifact.path(name)) for artifact in validations_of(artifacts).values()]
    return pd.concat(tables, ignore_index=True) if tables else table.conform(pd.DataFrame(columns=table.column_names))


def _train(catalog: pd.DataFrame, artifacts: Mapping[str, Artifact]) -> pd.DataFrame:
    folds = FOLDS.read(artifacts["folds"].path("folds.parquet"))[["photo", "fold"]]
    oof = PROBABILITIES.read(artifacts["ensemble"].path("oof.parquet"))
    values = oof[CLASS_COLUMNS].to_numpy()
    likeliest = oof[["photo"]].assign(predicted=values.argmax(axis=1), probability=values.max(axis=1))
    labelled = catalog.merge(folds, on="photo", validate="1:1").merge(likeliest, on="photo", validate="1:1")
    return labelled.astype({"class": "int64"})


def _eval(catalog: pd.DataFrame, artifacts: Mapping[str, Artifact]) -> pd.DataFrame:
    """The submission has the evaluation photos in the order of the catalog, and so has the ensemble's table."""
    photos = catalog.loc[catalog["split"] == "eval", ["photo"]].reset_index(drop=True)
    answers = np.array(_answers(artifacts["submission"].path("submission.csv")), np.int64)
    blended = PROBABILITIES.read(artifacts["ensemble"].path("eval.parquet"))[CLASS_COLUMNS].to_numpy()
    return photos.assign(predicted=answers, probability=blended[np.arange(len(answers)), answers])


def _answers(submission: Path) -> list[int]:
    with submission.open(encoding="utf-8", newline="") as file:
        return [int(row["ans"]) for row in csv.DictReader(file)]
