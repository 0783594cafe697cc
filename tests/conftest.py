"""What many tests stand on: a quiet environment, a drawn data set, a ledger."""

import os
from pathlib import Path

import pytest

# Tests run side by side, a process a core: more threads in each would only wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Ledger
from tasks.store.folder import FolderBackend


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a person has set on this machine decides a test."""
    for name in os.environ:
        if name.startswith(("FOLDLINE_", "PREFECT_")):
            monkeypatch.delenv(name)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(FolderBackend(tmp_path / "store"))


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn people, two of each gender and age group, and 14 photos to predict. Not to be changed."""
    folder = tmp_path_factory.mktemp("data") / "sample"
    draw_sample(folder, SampleSettings(people=12, eval=14, seed=7))
    return folder
