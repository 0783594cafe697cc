"""The focal loss."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from tasks.training.model import Classifier

TINY = 1e-12
"""Stands for 1 - p where p is 1: powers below 1 have no gradient at 0."""


def focal_loss(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Focal loss of every photo, shape (photos,): ``-(1 - p) ** gamma * log(p)`` of the true class's probability p.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4. Gamma 0 is cross entropy.

    Args:
        logits: photos x classes.
        target: share of each class in each photo, photos x classes; the losses of its classes add up by share.
        gamma: how little photos count that the model gets right.
    """
    log_p = functional.log_softmax(logits.float(), dim=1)
    # -expm1 keeps 1 - p exact where p is nearly 1, where the difference would be rounded away.
    return -(target * (-log_p.expm1()).clamp_min(TINY) ** gamma * log_p).sum(dim=1)


def classifier_loss(classifier: Classifier, logits: Tensor, targets: Sequence[Tensor], gamma: float) -> Tensor:
    """Loss of every photo, shape (photos,): the sum of its heads' focal losses.

    Args:
        classifier: whose heads there are.
        logits: photos x sum of head sizes.
        targets: what each head should say, as `head_targets` gives it.
        gamma: how little photos count that the model gets right.
    """
    parts = zip(classifier.by_head(logits), targets, strict=True)
    losses = [focal_loss(head, target, gamma) for head, target in parts]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total
