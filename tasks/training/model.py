"""The classifier: a backbone and its heads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.classes import ATTRIBUTES, CLASS_COUNT
from tasks.training.backbone import feature_count, freeze_stages, make_backbone
from tasks.training.settings import TrainingSettings

HEAD_SIZES = {
    "attributes": tuple(len(values) for values in ATTRIBUTES.values()),
    "classes": (CLASS_COUNT,),
}
"""Number of outputs of each head, by the kind of heads."""


class Classifier(nn.Module):
    """Photos to logits, one block of columns a head.

    Args:
        backbone: photos x 3 x height x width to photos x features.
        features: width of what the backbone gives.
        head_sizes: number of outputs of each head.
        hidden: width of the shared layer under the heads; None for heads that sit on the backbone.
        dropout: share of the inputs of the hidden layer, and of the heads, that a training step leaves out.
    """

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        head_sizes: Sequence[int],
        hidden: int | None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        layers = [nn.Dropout(dropout), nn.Linear(features, hidden), nn.ReLU()] if hidden else []
        self.hidden = nn.Sequential(*layers, nn.Dropout(dropout))
        # One layer computes all heads: each has its own columns, so they share nothing but their input.
        self.heads = nn.Linear(hidden or features, sum(head_sizes))
        self.head_sizes = tuple(head_sizes)

    def train(self, mode: bool = True) -> "Classifier":
        """Training or scoring mode; layers that are frozen stay in scoring mode: norms keep their statistics."""
        super().train(mode)
        for module in self.modules():
            weights = list(module.parameters(recurse=False))
            if weights and not any(weight.requires_grad for weight in weights):
                module.training = False  # of this layer alone: those below it may be trained
        return self

    def forward(self, photos: Tensor) -> Tensor:
        """Logits, photos x sum of head sizes, of photos x 3 x height x width."""
        logits: Tensor = self.heads(self.hidden(self.backbone(photos)))
        return logits

    def by_head(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Each head's logits, photos x head size."""
        return torch.split(logits, list(self.head_sizes), dim=1)


def make_classifier(settings: TrainingSettings) -> Classifier:
    """The classifier that the settings describe. Raises what `make_backbone` and `freeze_stages` raise."""
    backbone = make_backbone(settings.backbone, pretrained=settings.pretrained)
    freeze_stages(backbone, settings.frozen)
    hidden = settings.hidden if settings.heads == "attributes" else None
    return Classifier(backbone, feature_count(backbone), HEAD_SIZES[settings.heads], hidden, settings.dropout)


def class_probabilities(classifier: Classifier, logits: Tensor) -> Tensor:
    """Probabilities, photos x 18, in double precision; rows add up to 1.

    Three heads are taken as independent: the probability of a class is the product of its attributes'.
    """
    heads = [functional.softmax(part.double(), dim=1) for part in classifier.by_head(logits)]
    product = heads[0]
    for head in heads[1:]:
        product = torch.einsum("ni,nj->nij", product, head).flatten(1)
    return product


def head_targets(classes: Tensor, head_sizes: Sequence[int]) -> list[Tensor]:
    """What each head should say, photos x head size: 1 for the right output and 0 for others.

    Args:
        classes: classes 0..17, shape (photos,).
        head_sizes: number of outputs of each head.
    """
    targets: list[Tensor] = []
    for size in reversed(head_sizes):
        targets.append(functional.one_hot(classes % size, size).float())
        classes = classes // size
    return targets[::-1]
