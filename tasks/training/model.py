"""The classifier: a backbone and its heads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.classes import ATTRIBUTES, CLASS_COUNT
from tasks.errors import ConfigError
from tasks.training.backbone import Size, check_size, feature_count, freeze_stages, make_backbone
from tasks.training.settings import TrainingSettings

ATTRIBUTE_SIZES = tuple(len(values) for values in ATTRIBUTES.values())
HEAD_SIZES = {"attributes": ATTRIBUTE_SIZES, "classes": (CLASS_COUNT,), "arcface": (CLASS_COUNT,)}
"""Number of outputs of each head, by the kind of heads."""
ARC_SCALE = 30.0
"""Radius of the sphere on which ArcFace lays classes: Deng et al., "ArcFace" (2019), take 64 for thousands of
classes; Wang et al., "CosFace" (2018), section 3.3, show that few need less."""
MIDDLE_AGE, AGE_SPREAD = 40.0, 20.0
"""Years; ages are learnt as differences from the one in units of the other, which are about as large as logits."""


class Angles(nn.Linear):
    """Cosines between features and one direction a class, times ARC_SCALE: the head of ArcFace."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Scaled cosines, photos x classes."""
        return ARC_SCALE * functional.linear(functional.normalize(features), functional.normalize(self.weight))


class Classifier(nn.Module):
    """Photos to logits, one block of columns a head; behind them, if it is learnt, the age in a last column.

    Args:
        backbone: photos x 3 x height x width to photos x features.
        features: width of what the backbone gives.
        settings: heads, the hidden layer under them, dropout, and whether the age is learnt.
    """

    def __init__(self, backbone: nn.Module, features: int, settings: TrainingSettings) -> None:
        super().__init__()
        self.backbone = backbone
        hidden = settings.hidden if settings.heads == "attributes" else 0
        dropout = nn.Dropout(settings.dropout)
        self.hidden = nn.Sequential(dropout, *([nn.Linear(features, hidden), nn.ReLU(), dropout] if hidden else []))
        self.head_sizes = HEAD_SIZES[settings.heads]
        # One layer computes all heads: each has its own columns, so they share nothing but their input.
        layer = Angles if settings.heads == "arcface" else nn.Linear
        self.heads = layer(hidden or features, sum(self.head_sizes))
        self.age = nn.Linear(hidden or features, 1) if settings.loss.age else None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.heads.weight.device

    def train(self, mode: bool = True) -> "Classifier":
        """Training or scoring mode; layers that are frozen stay in scoring mode: norms keep their statistics."""
        super().train(mode)
        for module in self.modules():
            weights = list(module.parameters(recurse=False))
            if weights and not any(weight.requires_grad for weight in weights):
                module.training = False  # of this layer alone: those below it may be trained
        return self

    def forward(self, photos: Tensor) -> Tensor:
        """Logits, photos x outputs, of photos x 3 x height x width, normalised."""
        return self.read(self.backbone(photos))

    def read(self, features: Tensor) -> Tensor:
        """Logits, photos x outputs, of what the backbone says, photos x features."""
        hidden = self.hidden(features)
        outputs = [self.heads(hidden)] + ([] if self.age is None else [self.age(hidden)])
        return torch.cat(outputs, dim=1).float()

    def by_head(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Each head's logits, photos x head size."""
        return torch.split(logits[:, : sum(self.head_sizes)], list(self.head_sizes), dim=1)

    def ages(self, logits: Tensor) -> Tensor | None:
        """What the classifier takes for the ages, shape (photos,), in units of AGE_SPREAD; None if it learns none."""
        return None if self.age is None else logits[:, -1]


@dataclass(frozen=True)
class Targets:
    """What a classifier should say of some photos.

    Attributes:
        heads: for each head, the share of each of its values, photos x head size.
        ages: differences from MIDDLE_AGE in units of AGE_SPREAD, shape (photos,).
    """

    heads: tuple[Tensor, ...]
    ages: Tensor

    def blended(self, partners: Tensor, shares: Tensor) -> "Targets":
        """With those of other photos of the batch: `shares` of the own, the rest of the partner's; shape (photos,)."""

        def blend(own: Tensor) -> Tensor:
            weights = shares.view(-1, *[1] * (own.ndim - 1))
            return weights * own + (1 - weights) * own[partners]

        return self.map(blend)

    def part(self, photos: slice) -> "Targets":
        """Those of some of the photos."""
        return self.map(lambda values: values[photos])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Targets":
        """With all of them changed alike."""
        return Targets(tuple(map(change, self.heads)), change(self.ages))


def make_classifier(settings: TrainingSettings, size: Size) -> Classifier:
    """The classifier that the settings describe, for crops of that height and width, pixels.

    Raises:
        ConfigError: crops are smaller than the squares that are asked for, or what `make_backbone`, `check_size` and
            `freeze_stages` raise.
        TrainingError: as `make_backbone`.
    """
    side = settings.augment.random_crop
    if side > min(size):
        raise ConfigError(
            f"training.augment.random_crop is {side}, more than crops of {size[0]} x {size[1]} pixels have. Lower it, "
            "or raise prepare.height and prepare.width."
        )
    seen = (side, side) if side else size
    backbone = make_backbone(settings.backbone, seen, pretrained=settings.pretrained)
    check_size(backbone, settings.backbone, seen)
    freeze_stages(backbone, settings.frozen)
    return Classifier(backbone, feature_count(backbone), settings)


def class_probabilities(classifier: Classifier, logits: Tensor) -> Tensor:
    """Probabilities, photos x 18, in double precision; rows add up to 1.

    Three heads are taken as independent: the probability of a class is the product of its attributes'.
    """
    heads = [functional.softmax(part.double(), dim=1) for part in classifier.by_head(logits)]
    product = heads[0]
    for head in heads[1:]:
        product = torch.einsum("ni,nj->nij", product, head).flatten(1)
    return product


def make_targets(classes: Tensor, ages: Tensor, head_sizes: Sequence[int]) -> Targets:
    """What each head should say: 1 for the right output and 0 for others.

    Args:
        classes: classes 0..17, shape (photos,).
        ages: years, shape (photos,).
        head_sizes: number of outputs of each head.
    """
    heads: list[Tensor] = []
    for size in reversed(head_sizes):
        heads.append(functional.one_hot(classes % size, size).float())
        classes = classes // size
    return Targets(tuple(heads[::-1]), (ages - MIDDLE_AGE) / AGE_SPREAD)
