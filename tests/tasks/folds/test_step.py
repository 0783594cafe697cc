from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import LEAK_WARNING, make_folds
from tasks.progress import reporting_to
from tasks.store import Ledger
from tasks.tables import ASIDE, CATALOG, FOLDS
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


def test_folds_that_are_kept_aside_are_nobodys(sample_data: Path, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    whole = FOLDS.read(make_folds(ledger, catalog, FoldsSettings(count=3)).path("folds.parquet"))
    artifact = make_folds(ledger, catalog, FoldsSettings(count=3, aside=1))
    folds = FOLDS.read(artifact.path("folds.parquet"))
    assert folds["fold"].tolist() == whole["fold"].replace(2, ASIDE).tolist()
    assert artifact.manifest.summary["aside"] == (whole["fold"] == 2).sum()
    assert len(artifact.manifest.summary["photos"]) == 2


@pytest.mark.parametrize(
    ("change", "models"), [({}, 5), ({"trained": 1}, 1), ({"aside": 2}, 3), ({"trained": 3, "aside": 2}, 3)]
)
def test_folds_that_get_a_model(change: dict[str, int], models: int) -> None:
    assert FoldsSettings.model_validate(change).models == models


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aside": 4}, "4 of 5 folds kept aside leave no two"),
        ({"trained": 6}, "6 folds cannot get a model: 5 are not kept aside"),
        ({"trained": 4, "aside": 2}, "4 folds cannot get a model: 3 are not kept aside"),
    ],
)
def test_folds_that_cannot_be_trained_are_an_error(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FoldsSettings.model_validate(change)


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
