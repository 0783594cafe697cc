"""Training of one fold, read from top to bottom."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.errors import TrainingError
from tasks.metrics import attribute_scores, macro_f1
from tasks.progress import Advance, progress, say
from tasks.training.data import Batch, Batches
from tasks.training.loss import classifier_loss
from tasks.training.mixup import mix
from tasks.training.model import Classifier, class_probabilities, head_targets, make_classifier
from tasks.training.optimiser import make_optimiser, make_schedule
from tasks.training.settings import TrainingSettings


@dataclass(frozen=True)
class Fit:
    """What training gave.

    Attributes:
        classifier: with the weights of the epoch that was kept, in scoring mode.
        history: a row an epoch, as `tasks.tables.HISTORY` says.
    """

    classifier: Classifier
    history: pd.DataFrame


@dataclass(frozen=True)
class Scored:
    """What a classifier says of some photos, in their order.

    Attributes:
        photos: their names.
        classes: true classes, shape (photos,); -1 where hidden.
        probabilities: shape (photos, 18).
        loss: mean loss; meaningless where classes are hidden.
    """

    photos: list[str]
    classes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    loss: float


def fit(training: Batches, held_out: Batches, settings: TrainingSettings, device: torch.device, name: str) -> Fit:
    """Train a classifier on `training`, and keep its best or its last epoch, as the settings say.

    Args:
        training: shuffled batches of labelled photos.
        held_out: batches of the fold's own photos.
        settings: how to train.
        device: where.
        name: what progress calls it.

    Raises:
        TrainingError: a loss is not finite; the message says in which epoch, and on which photos.
    """
    torch.manual_seed(settings.seed)
    # Without it cuDNN may use algorithms that add up in another order each time.
    torch.backends.cudnn.deterministic = True
    classifier = make_classifier(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(classifier, settings)
    schedule = make_schedule(optimiser, settings)
    history: list[dict[str, float]] = []
    kept, lowest_loss = 0, math.inf
    for epoch in range(1, settings.epochs + 1):
        label = f"{name}, epoch {epoch} of {settings.epochs}"
        learning_rate = float(schedule.get_last_lr()[0])
        with progress(label, len(training) + len(held_out)) as advance:
            train_loss = train_epoch(classifier, optimiser, training, epoch, settings, advance)
            scored = score(classifier, held_out, settings, advance)
        if not math.isfinite(scored.loss):
            raise TrainingError(
                f"The loss on the fold's own {len(held_out)} photos is {scored.loss} after epoch {epoch}. "
                "Lower training.learning_rate."
            )
        schedule.step()
        row = {"epoch": epoch, "learning_rate": learning_rate, "train_loss": train_loss, **_valid_columns(scored)}
        history.append(row)
        say(f"{label}: loss {train_loss:.3f}, held out {scored.loss:.3f}, macro F1 {row['macro_f1']:.3f}")
        if settings.keep == "last" or scored.loss < lowest_loss:
            kept, lowest_loss = epoch, scored.loss
            weights = copy.deepcopy(classifier.state_dict())
    classifier.load_state_dict(weights)
    return Fit(classifier.eval(), pd.DataFrame(history).assign(kept=lambda rows: rows["epoch"] == kept))


def train_epoch(
    classifier: Classifier,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    epoch: int,
    settings: TrainingSettings,
    advance: Advance,
) -> float:
    """One pass over `batches`; returns the mean loss. Raises TrainingError if a loss is not finite."""
    classifier.train()
    random = np.random.default_rng([settings.seed, epoch])
    total, count = 0.0, 0
    for batch in batches.epoch(epoch):
        pixels, targets = mix(*_moved(batch, classifier), settings.mixup, random)
        losses = classifier_loss(classifier, classifier(pixels), targets, settings.focal_gamma)
        loss = losses.mean()
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss.item()} in epoch {epoch}, on a batch of {len(batch.photos)} photos such as "
                f"{batch.photos[0]}. Lower training.learning_rate, or look at these photos: {', '.join(batch.photos)}."
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total, count = total + losses.detach().sum().item(), count + len(batch.photos)
        advance(len(batch.photos))
    return total / count


@torch.inference_mode()
def score(classifier: Classifier, batches: Batches, settings: TrainingSettings, advance: Advance) -> Scored:
    """What the classifier says of every photo, in order: if the settings ask for it, the mean with its mirror image."""
    classifier.eval()
    photos: list[str] = []
    classes, probabilities, losses = [], [], []
    for batch in batches.epoch(0):
        pixels, targets = _moved(batch, classifier)
        views = [classifier(view) for view in ((pixels, pixels.flip(3)) if settings.mirror else (pixels,))]
        photos += batch.photos
        classes.append(batch.classes)
        probabilities.append(_mean([class_probabilities(classifier, logits) for logits in views]))
        losses.append(_mean([classifier_loss(classifier, logits, targets, settings.focal_gamma) for logits in views]))
        advance(len(batch.photos))
    loss = torch.cat(losses).mean().item()
    return Scored(photos, torch.cat(classes).numpy(), torch.cat(probabilities).numpy(), loss)


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean(dim=0).cpu()


def _moved(batch: Batch, classifier: Classifier) -> tuple[Tensor, list[Tensor]]:
    """Pixels and targets of a batch, where the classifier is; a hidden class counts as class 0."""
    device = classifier.heads.weight.device
    targets = head_targets(batch.classes.clamp_min(0), classifier.head_sizes)
    return batch.pixels.to(device), [target.to(device) for target in targets]


def _valid_columns(scored: Scored) -> Mapping[str, float]:
    predicted = scored.probabilities.argmax(axis=1)
    attributes = attribute_scores(scored.classes, predicted)
    return {
        "valid_loss": scored.loss,
        "macro_f1": macro_f1(scored.classes, predicted),
        **{f"accuracy_{name}": scores["accuracy"] for name, scores in attributes.items()},
    }
