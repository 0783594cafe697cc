"""What a classifier says of photos."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.metrics import attribute_scores, macro_f1
from tasks.progress import Advance
from tasks.training.data import Batch, Feed, Rows
from tasks.training.device import autocast, sent
from tasks.training.loss import Loss
from tasks.training.model import Classifier, Targets, class_probabilities, make_targets
from tasks.training.settings import TrainingSettings


@dataclass(frozen=True)
class Scored:
    """What a classifier says of some photos, in their order.

    Attributes:
        photos: their names.
        classes: true classes, shape (photos,); -1 where hidden.
        probabilities: shape (photos, 18).
        loss: the loss of all of them together; meaningless where classes are hidden.
    """

    photos: list[str]
    classes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    loss: float

    def figures(self) -> Mapping[str, float]:
        """Columns of a row of the history that tell how well the photos were judged."""
        predicted = self.probabilities.argmax(axis=1)
        attributes = attribute_scores(self.classes, predicted)
        return {
            "valid_loss": self.loss,
            "macro_f1": macro_f1(self.classes, predicted),
            **{f"accuracy_{name}": scores["accuracy"] for name, scores in attributes.items()},
        }


@torch.inference_mode()
def score(
    classifier: Classifier, feed: Feed, rows: Rows, loss: Loss, settings: TrainingSettings, advance: Advance
) -> Scored:
    """What the classifier says of every photo, in order: if the settings ask for it, the mean with its mirror image."""
    classifier.eval()
    photos: list[str] = []
    said: list[list[Tensor]] = []
    for batch in feed.batches(rows):
        with autocast(classifier.device, settings.precision):
            said.append([fitting(classifier, view) for view in views(batch, classifier, settings)])
        photos += batch.photos
        advance(len(batch.photos))
    classes, targets = feed.classes[rows], prepare_targets(feed.classes[rows], feed.ages[rows], classifier)
    together = [torch.cat(view) for view in zip(*said, strict=True)]
    return Scored(
        photos,
        classes.numpy(),
        _mean([class_probabilities(classifier, logits) for logits in together]).numpy(),
        _mean([loss(classifier, logits, targets) for logits in together]).item(),
    )


def fitting(look: Callable[[Tensor], Tensor], photos: Tensor) -> Tensor:
    """What `look` makes of photos, a row each; of one half after the other where memory is too small for all at once.

    Training may have worked through its batches in many small parts: what it looks at then needs no gradients, but
    comes in whole batches.
    """
    try:
        return look(photos)
    except torch.OutOfMemoryError:
        if len(photos) == 1:
            raise
    return torch.cat([fitting(look, half) for half in photos.chunk(2)])


def views(batch: Batch, classifier: Classifier, settings: TrainingSettings) -> list[Tensor]:
    """What is scored of a batch: its pixels, normalised, and if the settings ask for it their mirror image."""
    pixels = normalised(batch, classifier, settings)
    return [pixels, pixels.flip(3)] if settings.mirror else [pixels]


def normalised(batch: Batch, classifier: Classifier, settings: TrainingSettings) -> Tensor:
    """Normalised pixels of a batch, photos x 3 x height x width, where the classifier is."""
    pixels = sent(batch.pixels, classifier.device).float()
    mean, std = (sent(torch.tensor(values), pixels.device).view(1, 3, 1, 1) for values in (settings.mean, settings.std))
    return pixels.div_(255 * std).sub_(mean / std)


def prepare_targets(classes: Tensor, ages: Tensor, classifier: Classifier) -> Targets:
    """Targets where the classifier is; a hidden class counts as class 0, a hidden age as any."""
    targets = make_targets(classes.clamp_min(0), ages.nan_to_num(), classifier.head_sizes)
    return targets.map(lambda values: sent(values, classifier.device))


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean(dim=0).cpu()
