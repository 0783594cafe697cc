"""A small run, planted by hand: tables with known numbers in a real ledger."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, JsonValue

from tasks.classes import AGE_GROUPS, GENDERS, STATE_OF_FILE, age_group, encode_class
from tasks.store import Artifact, Ledger, Step
from tasks.store.folder import FolderBackend
from tasks.tables import (
    BOXES,
    CATALOG,
    CLASS_COLUMNS,
    CROPS,
    FOLDS,
    HISTORY,
    LANDMARKS,
    PROBABILITIES,
    SUSPECTS,
)

FOLDS_COUNT = 2
AGES = {"<30": 22, "30-59": 41, ">=60": 60}
Files = Callable[[Path], None]


class Chosen(BaseModel):
    """Settings of a planted step."""

    backbone: str = "tiny_net"
    epochs: int = 3


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(FolderBackend(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def catalog() -> pd.DataFrame:
    """Twelve persons, two of each gender and age group, and ten eval photos."""
    train = [
        {
            "photo": f"train/images/{person}/{name}.jpg",
            "split": "train",
            "person": person,
            "group": person,
            "state": state,
            "gender": gender,
            "age": AGES[group],
            "age_group": age_group(AGES[group]),
            "class": encode_class(state, gender, group),
        }
        for person, gender, group in persons()
        for name, state in STATE_OF_FILE.items()
    ]
    evaluation = [{"photo": f"eval/images/{number:04x}.jpg", "split": "eval"} for number in range(10)]
    frame = pd.DataFrame([*train, *evaluation])
    return CATALOG.conform(frame.assign(**dict.fromkeys(set(CATALOG.column_names) - set(frame), 0)))


def persons() -> Iterator[tuple[str, str, str]]:
    """Folder name, gender and age group of every person; one folder's name must be escaped."""
    for number, (_, gender, group) in enumerate(product(range(2), GENDERS, AGE_GROUPS)):
        yield f"{number:06}_{gender}_<b>&_{AGES[group]}", gender, group
