import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.faces.settings import FacesSettings
from tasks.faces.step import find_boxes
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import make_folds
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.step import make_crops
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.tables import CATALOG, CLASS_COLUMNS, FOLDS, HISTORY, PROBABILITIES
from tasks.training.data import Crops, Feed
from tasks.training.fold import photos_of_fold
from tasks.training.loss import Loss
from tasks.training.score import score
from tasks.training.settings import TrainingSettings
from tasks.training.state import new_state
from tasks.training.step import train_fold

Inputs = tuple[Ledger, Artifact, Artifact, Artifact]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Inputs:
    """A ledger with catalog, crops and two folds of the drawn people."""
    ledger = Ledger(FolderBackend(tmp_path_factory.mktemp("store")))
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    boxes = find_boxes(ledger, LocalFolder(sample_data), catalog, FacesSettings(crop="centre"))
    crops = make_crops(ledger, LocalFolder(sample_data), catalog, boxes, PrepareSettings(height=40, width=32))
    return ledger, catalog, crops, make_folds(ledger, catalog, FoldsSettings(count=2))


@pytest.fixture(scope="module")
def model(inputs: Inputs, tiny: TrainingSettings) -> Artifact:
    return train_fold(*inputs, 0, tiny)


def test_fold_is_scored_on_its_own_photos_and_trained_on_all_others(
    inputs: Inputs, tiny: TrainingSettings, model: Artifact
) -> None:
    _, catalog_artifact, _, folds_artifact = inputs
    catalog = CATALOG.read(catalog_artifact.path("catalog.parquet"))
    folds = FOLDS.read(folds_artifact.path("folds.parquet"))
    own = folds.query("fold == 0")["photo"]
    photos = photos_of_fold(catalog, folds, 0, tiny)
    assert set(photos.training["photo"]) == set(folds.query("fold == 1")["photo"])
    assert not set(photos.training["person"]) & set(photos.held_out["person"])
    assert PROBABILITIES.read(model.path("oof.parquet"))["photo"].tolist() == own.tolist()
    evaluation = PROBABILITIES.read(model.path("eval.parquet"))["photo"]
    assert evaluation.tolist() == catalog.query("split == 'eval'")["photo"].tolist()


def test_stored_weights_give_the_stored_probabilities(inputs: Inputs, tiny: TrainingSettings, model: Artifact) -> None:
    ledger, catalog_artifact, crops_artifact, _ = inputs
    settings = tiny.model_copy(update={"seed": 7})  # other first weights, which the stored ones must replace
    state = new_state(settings, (40, 32), torch.device("cpu"))
    state.classifier.load_state_dict(load_file(model.path("weights.safetensors")))
    evaluation = CATALOG.read(catalog_artifact.path("catalog.parquet")).query("split == 'eval'")
    feed, rows = Feed(Crops(crops_artifact.paths()), evaluation, tiny), np.arange(len(evaluation))
    loss = Loss(tiny, feed.classes.clamp_min(0), state.classifier.head_sizes)
    again = score(state.classifier, feed, rows, loss, tiny, lambda *_: None)
    stored = PROBABILITIES.read(ledger.get(model.ref).path("eval.parquet"))
    assert again.probabilities == pytest.approx(stored[CLASS_COLUMNS].to_numpy(), abs=1e-5)


def test_model_file_says_how_to_rebuild_and_feed_it(model: Artifact, tiny: TrainingSettings) -> None:
    described = json.loads(model.path("model.json").read_text())
    assert described == {
        "backbone": tiny.backbone,
        "heads": "attributes",
        "hidden": 16,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "mirror": False,
        "loss": {"age": 0.0},
        "augment": {"random_crop": 0},
        "height": 40,
        "width": 32,
    }


def test_summary_is_about_the_kept_epoch(model: Artifact) -> None:
    kept = HISTORY.read(model.path("history.parquet")).query("kept").iloc[0]
    summary = model.manifest.summary
    assert (summary["epochs"], summary["held_out"]) == ([kept["epoch"]], 42)
    assert summary["valid_loss"] == pytest.approx(kept["valid_loss"], abs=1e-6)
    assert summary["macro_f1"] == pytest.approx(kept["macro_f1"], abs=1e-6)
    assert summary["photos_per_second"] > 0
    assert 0 < summary["waited_for_photos"] < 1


def test_trained_fold_is_reused_without_loading_torch(inputs: Inputs, tiny: TrainingSettings, model: Artifact) -> None:
    refs = [artifact.ref.model_dump() for artifact in inputs[1:]]
    script = f"""
import sys
from pathlib import Path
from tasks.store import ArtifactRef, Ledger
from tasks.store.folder import FolderBackend
from tasks.training.settings import TrainingSettings
from tasks.training.step import train_fold
ledger = Ledger(FolderBackend(Path({inputs[0].backend.url!r})))
artifacts = [ledger.get(ArtifactRef(**ref)) for ref in {refs!r}]
settings = TrainingSettings.model_validate_json({tiny.model_dump_json()!r})
assert train_fold(ledger, *artifacts, 0, settings).ref.key == {model.ref.key!r}
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_fold_that_holds_out_nobody_is_an_error(inputs: Inputs, tiny: TrainingSettings) -> None:
    with pytest.raises(DataError, match="The fold holds out no photo: there is no such fold"):
        train_fold(*inputs, 2, tiny)


def test_probabilities_are_numbers(model: Artifact) -> None:
    values = PROBABILITIES.read(model.path("oof.parquet"))[CLASS_COLUMNS].to_numpy()
    assert np.isfinite(values).all()
    assert values.sum(axis=1) == pytest.approx(1)
