from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from pydantic import JsonValue

from tasks.classes import GENDERS, STATE_OF_FILE, age_group, encode_class
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG

StoreCatalog = Callable[[Ledger, pd.DataFrame], Artifact]
AGES = (25, 45, 70)
PERSONS_OF_A_KIND = 6


def person_rows(folder: str, group: str, gender: str, age: int) -> Iterator[dict[str, object]]:
    for file, state in STATE_OF_FILE.items():
        yield {
            "photo": f"train/images/{folder}/{file}.jpg",
            "split": "train",
            "person": folder,
            "group": group,
            "state": state,
            "gender": gender,
            "age": age,
            "age_group": age_group(age),
            "class": encode_class(state, gender, age_group(age)),
        }


def full_catalog() -> pd.DataFrame:
    """36 persons of every gender and age group, some with an id that has a suffix, and three photos without labels."""
    kinds = product(range(PERSONS_OF_A_KIND), GENDERS, AGES)
    rows = [
        row
        for number, (_, gender, age) in enumerate(kinds)
        for row in person_rows(
            f"{number:06}{'-1' if number % 5 == 0 else ''}_{gender}_Asian_{age}", f"{number:06}", gender, age
        )
    ]
    unlabelled = [{"photo": f"eval/images/{number:040x}.jpg", "split": "eval"} for number in range(3)]
    pixels = {column.name: 0 for column in CATALOG.columns[9:]}
    return CATALOG.conform(pd.DataFrame(rows + unlabelled).assign(**pixels))


@pytest.fixture(scope="session")
def clean_catalog() -> pd.DataFrame:
    return full_catalog()


@pytest.fixture
def catalog(clean_catalog: pd.DataFrame) -> pd.DataFrame:
    return clean_catalog.copy()


@pytest.fixture
def photos(clean_catalog: pd.DataFrame) -> pd.DataFrame:
    return clean_catalog[clean_catalog["split"] == "train"].copy()


@pytest.fixture(scope="session")
def store_catalog() -> StoreCatalog:
    def store(ledger: Ledger, frame: pd.DataFrame) -> Artifact:
        def compute(folder: Path) -> dict[str, JsonValue]:
            CATALOG.write(frame, folder / "catalog.parquet")
            return {}

        return ledger.produce(Step(name="catalog", package="tasks.classes"), {"data": "some"}, None, compute)

    return store
