"""Tables in a ledger, as the steps leave them that validation comes after."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.catalog.eda import describe
from tasks.store import Artifact, Ledger, Step
from tasks.submission.csv_file import write_submission
from tasks.tables import BOXES, CATALOG, FOLDS


def store_catalog(ledger: Ledger, catalog: pd.DataFrame) -> Artifact:
    def write(folder: Path) -> None:
        CATALOG.write(catalog, folder / "catalog.parquet")
        (folder / "eda.json").write_text(json.dumps(describe(catalog)))

    return _store(ledger, "catalog", catalog, write)


def store_boxes(ledger: Ledger, boxes: pd.DataFrame) -> Artifact:
    return _store(ledger, "faces", boxes, lambda folder: BOXES.write(boxes, folder / "boxes.parquet"))


def store_folds(ledger: Ledger, folds: pd.DataFrame) -> Artifact:
    return _store(ledger, "folds", folds, lambda folder: FOLDS.write(folds, folder / "folds.parquet"))


def store_submission(ledger: Ledger, answers: pd.DataFrame) -> Artifact:
    """Columns `image` and `answer`."""

    def write(folder: Path) -> None:
        write_submission(folder / "submission.csv", answers["image"].tolist(), answers["answer"].tolist())

    return _store(ledger, "submission", answers, write)


def _store(ledger: Ledger, step: str, rows: pd.DataFrame, write: Callable[[Path], None]) -> Artifact:
    def compute(folder: Path) -> dict[str, JsonValue]:
        write(folder)
        return {}

    content = str(pd.util.hash_pandas_object(rows, index=False).sum())
    return ledger.produce(Step(name=step, package="tasks.classes"), {"rows": content}, None, compute)
