from pathlib import Path

import pytest

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import LEAK_WARNING, make_folds
from tasks.progress import reporting_to
from tasks.store import Ledger
from tasks.tables import CATALOG, FOLDS
from tests.notebook import Notebook


def test_every_training_photo_and_no_other_has_a_fold(sample_data: Path, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    artifact = make_folds(ledger, catalog, FoldsSettings(count=2))
    train = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'")
    folds = FOLDS.read(artifact.path("folds.parquet"))
    assert folds["photo"].tolist() == train["photo"].tolist()
    assert artifact.manifest.summary == {
        "photos": folds["fold"].value_counts().sort_index().tolist(),
        "persons": folds.groupby("fold")["person"].nunique().tolist(),
        "leaks": False,
    }


@pytest.mark.parametrize("by", ["photo", "person"])
def test_only_a_split_by_photo_warns_of_leakage_also_when_it_is_reused(
    sample_data: Path, ledger: Ledger, by: str
) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    settings = FoldsSettings.model_validate({"count": 2, "by": by})
    for _ in range(2):
        notebook = Notebook()
        with reporting_to(notebook):
            make_folds(ledger, catalog, settings)
        assert (LEAK_WARNING in notebook.lines) == (by == "photo")
