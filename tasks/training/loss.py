"""The focal loss."""

from torch import Tensor
from torch.nn import functional

from tasks.training.model import Classifier, head_targets


def focal_loss(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Focal loss of every photo, shape (photos,): ``-(1 - p) ** gamma * log(p)`` of the true class's probability p.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4. Gamma 0 is cross entropy.

    Args:
        logits: photos x classes.
        target: true classes, shape (photos,).
        gamma: how little photos count that the model gets right.
    """
    log_p = functional.log_softmax(logits.float(), dim=1).gather(1, target[:, None]).squeeze(1)
    # -expm1 keeps 1 - p exact where p is nearly 1, where the difference would be rounded away.
    return -((-log_p.expm1()).clamp_min(0) ** gamma) * log_p


def classifier_loss(classifier: Classifier, logits: Tensor, classes: Tensor, gamma: float) -> Tensor:
    """Loss of every photo, shape (photos,): the sum of its heads' focal losses."""
    targets = head_targets(classes, classifier.head_sizes)
    parts = zip(classifier.by_head(logits), targets, strict=True)
    losses = [focal_loss(head, target, gamma) for head, target in parts]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total
