import csv
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the drawn data set, to be spoilt."""
    return Path(shutil.copytree(sample_data, tmp_path / "data"))


@pytest.fixture
def person(data: Path) -> Path:
    """Folder of one person."""
    return min((data / "train/images").iterdir())


@pytest.fixture
def rows(data: Path) -> list[dict[str, str]]:
    """Rows of train.csv."""
    with (data / "train/train.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
