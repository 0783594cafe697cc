"""One fold from its photos to its files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import JsonValue
from safetensors.torch import save_file

from tasks.errors import DataError
from tasks.progress import progress
from tasks.tables import CLASS_COLUMNS, HISTORY, PROBABILITIES
from tasks.training.augment import scoring_pipeline, training_pipeline
from tasks.training.data import Batches, CropDataset, Crops
from tasks.training.device import choose_device
from tasks.training.fit import Fit, Scored, fit, score
from tasks.training.settings import TrainingSettings


@dataclass(frozen=True)
class FoldPhotos:
    """Rows of the catalog by what a fold does with them."""

    training: pd.DataFrame
    held_out: pd.DataFrame
    evaluation: pd.DataFrame


@dataclass(frozen=True)
class FoldResult:
    """What a fold gives: its model, and what that says of photos which it has not seen."""

    fit: Fit
    oof: Scored
    evaluation: Scored


def photos_of_fold(catalog: pd.DataFrame, held_out: pd.Series, settings: TrainingSettings) -> FoldPhotos:
    """The photos of a fold, given the names of those it holds out.

    Raises:
        DataError: there is no such fold, or it leaves less than a batch to train on.
    """
    own = catalog["photo"].isin(held_out)
    photos = FoldPhotos(
        training=catalog[(catalog["split"] == "train") & ~own],
        held_out=catalog[own],
        evaluation=catalog[catalog["split"] == "eval"],
    )
    if photos.held_out.empty:
        raise DataError("The fold holds out no photo: there is no such fold. Folds are numbered from 0.")
    if len(photos.training) < settings.batch_size:
        raise DataError(
            f"The fold leaves {len(photos.training)} photos to train on, fewer than a batch of {settings.batch_size}. "
            "Add data, or lower training.batch_size."
        )
    return photos


def train_and_predict(photos: FoldPhotos, crops: Crops, settings: TrainingSettings, name: str) -> FoldResult:
    """Train on the fold's training photos, then look at the others. Raises TrainingError as `fit` does."""

    def batches(rows: pd.DataFrame, *, training: bool) -> Batches:
        pipeline = training_pipeline(settings) if training else scoring_pipeline(settings)
        dataset = CropDataset(crops, rows, pipeline, settings.seed)
        return Batches(dataset, settings.batch_size, settings.seed, shuffle=training)

    held_out = batches(photos.held_out, training=False)
    fitted = fit(batches(photos.training, training=True), held_out, settings, choose_device(), name)
    evaluation = batches(photos.evaluation, training=False)
    with progress(f"{name}, predicting", len(held_out) + len(evaluation)) as advance:
        oof = score(fitted.classifier, held_out, settings, advance)
        return FoldResult(fitted, oof, score(fitted.classifier, evaluation, settings, advance))


def write_result(result: FoldResult, crops: Crops, settings: TrainingSettings, folder: Path) -> Mapping[str, JsonValue]:
    """Write a fold's files into `folder`; returns their summary."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in result.fit.classifier.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(_describe_model(crops, settings), indent=2))
    HISTORY.write(result.fit.history, folder / "history.parquet")
    PROBABILITIES.write(_probabilities(result.oof), folder / "oof.parquet")
    PROBABILITIES.write(_probabilities(result.evaluation), folder / "eval.parquet")
    kept = result.fit.history.query("kept").iloc[0]
    return {
        "epoch": int(kept["epoch"]),
        "macro_f1": round(kept["macro_f1"], 6),
        "valid_loss": round(kept["valid_loss"], 6),
        "held_out": len(result.oof.photos),
    }


def _describe_model(crops: Crops, settings: TrainingSettings) -> dict[str, JsonValue]:
    """All that is needed to rebuild the classifier around its weights and to feed it."""
    height, width = crops.size
    parts = settings.model_dump(mode="json", include={"backbone", "heads", "hidden", "mean", "std", "mirror"})
    return {**parts, "height": height, "width": width}


def _probabilities(scored: Scored) -> pd.DataFrame:
    return pd.DataFrame(scored.probabilities, columns=CLASS_COLUMNS).assign(photo=scored.photos)
