"""One fold from its photos to its files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import JsonValue
from safetensors import SafetensorError
from safetensors.torch import save_file

from tasks.errors import DataError
from tasks.metrics import macro_f1
from tasks.progress import progress, say
from tasks.store.checkpoints import Checkpoints
from tasks.tables import ASIDE, CLASS_COLUMNS, HISTORY, PROBABILITIES
from tasks.training.ages import relabel_ages
from tasks.training.curves import curves
from tasks.training.data import Crops, Feed
from tasks.training.device import choose_device, loader_workers
from tasks.training.fit import Course, Fit, FoldRows, fit
from tasks.training.loss import Loss
from tasks.training.preflight import check_device, check_labels, fitting_parts, tell_missing_classes
from tasks.training.score import Scored, score
from tasks.training.settings import TrainingSettings
from tasks.training.state import TrainingState, new_state


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


def photos_of_fold(catalog: pd.DataFrame, folds: pd.DataFrame, fold: int, settings: TrainingSettings) -> FoldPhotos:
    """The photos of a fold; those that training leaves out for their age, or that are kept aside, are in none of them.

    Raises:
        DataError: there is no such fold, it leaves less than a batch to train on, or a photo has no class or no age.
    """
    own = catalog["photo"].isin(folds.loc[folds["fold"] == fold, "photo"])
    others = catalog["photo"].isin(folds.loc[~folds["fold"].isin([fold, ASIDE]), "photo"])
    check_labels(catalog[own | others])
    photos = FoldPhotos(
        training=relabel_ages(catalog[others], settings.ages),
        held_out=catalog[own],
        evaluation=catalog[catalog["split"] == "eval"],
    )
    if photos.held_out.empty:
        raise DataError(
            f"The fold holds out no photo: there is no such fold as {fold}. Folds are numbered from 0 to "
            f"{folds['fold'].max()}."
        )
    if len(photos.training) < settings.batch_size:
        raise DataError(
            f"The fold leaves {len(photos.training)} photos to train on, fewer than a batch of {settings.batch_size}. "
            f"{int(others.sum()) - len(photos.training)} were left out for their age (training.ages.leave_out). "
            "Add data, or lower training.batch_size."
        )
    return photos


def train_and_predict(
    photos: FoldPhotos, crops: Crops, settings: TrainingSettings, checkpoints: Checkpoints, name: str
) -> FoldResult:
    """Train on the fold's training photos, then look at the others.

    Raises:
        ConfigError: the settings do not fit the crops.
        TrainingError: the device computes wrongly, memory is too small, or a loss is not finite.
    """
    device = choose_device()
    check_device(device)
    parts = [photos.training, photos.held_out, photos.evaluation]
    feed = Feed(crops, pd.concat(parts, ignore_index=True), settings, loader_workers(device))
    rows = FoldRows(*np.split(np.arange(len(feed.photos)), np.cumsum([len(part) for part in parts])[:-1]))
    tell_missing_classes(feed.classes[rows.training])
    state = resumed(new_state(settings, crops.size, device), checkpoints, name) or new_state(
        settings, crops.size, device
    )
    loss = Loss(settings, feed.classes[rows.training], state.classifier.head_sizes)
    course = Course(feed, rows, settings, loss, settings.optimiser.accumulate, name)
    if steps_left(state, settings):
        course = replace(course, parts=fitting_parts(course, state))
    epochs = settings.epochs - state.epoch
    total = epochs * (len(rows.training) + len(rows.held_out)) + len(rows.held_out) + len(rows.evaluation)
    run = f"{name}-{checkpoints.ref.key[:8]}".replace(" ", "-").lower()
    with curves(run) as draw, progress(name, total) as advance:
        fitted = fit(course, state, checkpoints, advance, draw)
        advance(0, "predicting")
        oof, evaluation = (
            score(fitted.classifier, feed, part, loss, settings, advance) for part in (rows.held_out, rows.evaluation)
        )
    return FoldResult(fitted, oof, evaluation)


def steps_left(state: TrainingState, settings: TrainingSettings) -> bool:
    """Whether weights will still be moved: computing the heads takes no step."""
    computed = settings.first_epoch == "discriminant"
    return max(state.epoch, int(computed)) < settings.epochs


def resumed(state: TrainingState, checkpoints: Checkpoints, name: str) -> TrainingState | None:
    """`state`, become the one that an interrupted training has kept; None if there is none that can be read."""
    found = checkpoints.latest()
    if not found:
        return None
    try:
        state.read(found.paths)
    except (KeyError, RuntimeError, ValueError, SafetensorError) as error:
        say(f"{name}: the state of an earlier training cannot be read ({error}): all begins anew.")
        checkpoints.drop()
        return None
    say(f"{name}: going on after epoch {state.epoch}, which an earlier training had reached.")
    return state


def write_result(result: FoldResult, crops: Crops, settings: TrainingSettings, folder: Path) -> Mapping[str, JsonValue]:
    """Write a fold's files into `folder`; returns their summary."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in result.fit.classifier.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(_describe_model(crops, settings), indent=2))
    HISTORY.write(result.fit.history, folder / "history.parquet")
    PROBABILITIES.write(_probabilities(result.oof), folder / "oof.parquet")
    PROBABILITIES.write(_probabilities(result.evaluation), folder / "eval.parquet")
    kept = result.fit.history.query("kept")["epoch"].astype(int)
    return {
        "epochs": list(kept),
        "macro_f1": round(macro_f1(result.oof.classes, result.oof.probabilities.argmax(axis=1)), 6),
        "valid_loss": round(result.oof.loss, 6),
        "held_out": len(result.oof.photos),
        "photos_per_second": round(result.fit.speed, 1),
        "waited_for_photos": round(result.fit.waited, 4),
    }


def _describe_model(crops: Crops, settings: TrainingSettings) -> dict[str, JsonValue]:
    """All that is needed to rebuild the classifier around its weights and to feed it."""
    height, width = crops.size
    parts = dict.fromkeys(("backbone", "heads", "hidden", "mean", "std", "mirror"), True)
    described = settings.model_dump(mode="json", include={**parts, "loss": {"age"}, "augment": {"random_crop"}})
    return {**described, "height": height, "width": width}


def _probabilities(scored: Scored) -> pd.DataFrame:
    return pd.DataFrame(scored.probabilities, columns=CLASS_COLUMNS).assign(photo=scored.photos)
