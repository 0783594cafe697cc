"""What training makes small."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tasks.training.device import sent
from tasks.training.model import ARC_SCALE, Classifier, Targets, make_targets
from tasks.training.settings import TrainingSettings

TINY = 1e-12
"""Stands for 1 - p where p is 1: powers below 1 have no gradient at 0."""
ARC_MARGIN = 0.5
"""Radians: Deng et al., "ArcFace" (2019), section 2.1."""


class Loss:
    """The loss of a batch: the sum of its heads' losses, and that of the ages by its weight."""

    def __init__(self, settings: TrainingSettings, classes: Tensor, head_sizes: Sequence[int]) -> None:
        """Take the settings, and classes 0..17 of all training photos, shape (photos,), to weigh rare ones by."""
        self._settings = settings.loss
        self._margin = settings.heads == "arcface"
        balanced = self._settings.class_weights == "balanced"
        counts = [target.sum(dim=0) for target in make_targets(classes, classes, head_sizes).heads]
        self._weights = [balanced_weights(count) if balanced else torch.ones_like(count) for count in counts]

    def __call__(self, classifier: Classifier, logits: Tensor, targets: Targets) -> Tensor:
        """One number for `logits`, photos x outputs, and what they should be; the margin is only for training."""
        if self._margin and classifier.training:
            logits = with_margin(logits, targets.heads[0], classifier.by_head(logits)[0])
        heads = zip(classifier.by_head(logits), targets.heads, self._weights, strict=True)
        loss = torch.stack([self._head_loss(*head) for head in heads]).sum()
        ages = classifier.ages(logits)
        if ages is not None:
            loss = loss + self._settings.age * functional.smooth_l1_loss(ages, targets.ages)
        return loss

    def _head_loss(self, logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        smoothing = self._settings.smoothing
        target = (1 - smoothing) * target + smoothing / target.shape[1]
        if self._settings.name == "f1":
            return f1_loss(logits, target)
        gamma = self._settings.gamma if self._settings.name == "focal" else 0.0
        return focal_loss(logits, target * sent(weights, target.device), gamma).mean()


def focal_loss(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Focal loss of every photo, shape (photos,): ``-(1 - p) ** gamma * log(p)`` of the true class's probability p.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4. Gamma 0 is cross entropy.

    Args:
        logits: photos x classes.
        target: share of each class in each photo, photos x classes; the losses of its classes add up by share.
        gamma: how little photos count that the model gets right.
    """
    log_p = functional.log_softmax(logits, dim=1)
    # -expm1 keeps 1 - p exact where p is nearly 1, where the difference would be rounded away.
    return -(target * (-log_p.expm1()).clamp_min(TINY) ** gamma * log_p).sum(dim=1)


def f1_loss(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the macro F1 of a batch, probabilities standing for decisions; a class that is not there counts 0.

    Source: Bénédict et al., "sigmoidF1" (2021), section 4, with softmax in place of sigmoid.

    Args:
        logits: photos x classes.
        target: share of each class in each photo, photos x classes.
    """
    p = functional.softmax(logits, dim=1)
    hits, total = (p * target).sum(dim=0), (p + target).sum(dim=0)
    return 1 - (2 * hits / total.clamp_min(TINY)).mean()


def with_margin(logits: Tensor, target: Tensor, cosines: Tensor) -> Tensor:
    """`logits` in which the angle to the true class is ARC_MARGIN wider, as ArcFace trains.

    Args:
        logits: photos x outputs, the scaled cosines first.
        target: share of each class in each photo, photos x classes; the margin counts by share.
        cosines: scaled cosines, photos x classes.
    """
    cosine = (cosines / ARC_SCALE).clamp(-1 + 1e-7, 1 - 1e-7)
    wider = torch.cos((torch.acos(cosine) + ARC_MARGIN).clamp_max(math.pi))
    hardened = cosines + target * (ARC_SCALE * wider - cosines)
    return torch.cat([hardened, logits[:, cosines.shape[1] :]], dim=1)


def balanced_weights(counts: Tensor) -> Tensor:
    """What each class counts so that all count alike, and a photo 1 on average; 0 for a class without photos.

    The same as scikit-learn's ``class_weight="balanced"``. Source: King and Zeng, "Logistic Regression in Rare Events
    Data" (2001).

    Args:
        counts: photos of each class, shape (classes,).
    """
    there = counts > 0
    return torch.where(there, counts.sum() / (there.sum() * counts.clamp_min(1)), 0.0)
