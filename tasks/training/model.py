"""The classifier: networks, each of them a backbone and its heads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.classes import AGE_BOUNDS, ATTRIBUTES, CLASS_COUNT
from tasks.errors import ConfigError, fault, raise_faults
from tasks.training.backbone import Size, check_size, feature_count, freeze_stages, make_backbone
from tasks.training.face_nets import YEARS, FaceNets, LastFeatures
from tasks.training.settings import TrainingSettings

ATTRIBUTE_SIZES = tuple(len(values) for values in ATTRIBUTES.values())
HEAD_SIZES = {"attributes": ATTRIBUTE_SIZES, "classes": (CLASS_COUNT,), "arcface": (CLASS_COUNT,)}
"""Number of outputs of each head, by the kind of heads."""
ARC_SCALE = 30.0
"""Radius of the sphere on which ArcFace lays classes: Deng et al., "ArcFace" (2019), take 64 for thousands of
classes; Wang et al., "CosFace" (2018), section 3.3, show that few need less."""
MIDDLE_AGE, AGE_SPREAD = 40.0, 20.0
"""Years; ages are learnt as differences from the one in units of the other, which are about as large as logits."""


BELL = 3.0
"""Years; standard deviation of the bell that teaches an age. Source: Gao et al., "Deep Label Distribution Learning With
Label Ambiguity" (2017), section 4: 2 to 3 where labels have no deviation of their own."""


class Angles(nn.Linear):
    """Cosines between features and one direction a class, times ARC_SCALE: the head of ArcFace."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Scaled cosines, photos x classes."""
        return ARC_SCALE * functional.linear(functional.normalize(features), functional.normalize(self.weight))


class Network(nn.Module):
    """Photos to logits, one block of columns a head; behind them the years, and the age in a last column, if learnt.

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
        self.years: nn.Module | None = None
        if settings.loss.years:
            self.years = LastFeatures(YEARS) if isinstance(backbone, FaceNets) else nn.Linear(features, YEARS)

    def train(self, mode: bool = True) -> "Network":
        """Training or scoring mode; layers that are frozen stay in scoring mode: norms keep their statistics."""
        super().train(mode)
        for module in self.modules():
            weights = list(module.parameters(recurse=False))
            if weights and not any(weight.requires_grad for weight in weights):
                module.training = False  # of this layer alone: those below it may be trained
        return self

    def forward(self, photos: Tensor) -> Tensor:
        """Logits, photos x outputs, of photos x 3 x height x width, normalised."""
        features = self.backbone(photos)
        hidden = self.hidden(features)
        outputs = [self.heads(hidden)]
        outputs += [] if self.years is None else [self.years(features)]
        outputs += [] if self.age is None else [self.age(hidden)]
        return torch.cat(outputs, dim=1).float()

    def by_head(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Each head's logits, photos x head size."""
        return torch.split(logits[:, : sum(self.head_sizes)], list(self.head_sizes), dim=1)

    def by_year(self, logits: Tensor) -> Tensor | None:
        """Logits of the ages 0 to 80, photos x 81; None if they are not learnt."""
        start = sum(self.head_sizes)
        return None if self.years is None else logits[:, start : start + YEARS]

    def ages(self, logits: Tensor) -> Tensor | None:
        """What the classifier takes for the ages, shape (photos,), in units of AGE_SPREAD; None if it learns none."""
        return None if self.age is None else logits[:, -1]


@dataclass(frozen=True)
class Targets:
    """What a network should say of some photos.

    Attributes:
        heads: for each head, the share of each of its values, photos x head size.
        years: share of each age from 0 to 80, photos x 81.
        ages: differences from MIDDLE_AGE in units of AGE_SPREAD, shape (photos,).
    """

    heads: tuple[Tensor, ...]
    years: Tensor
    ages: Tensor

    def blended(self, partners: Tensor, shares: Tensor) -> "Targets":
        """With those of other photos of the batch: `shares` of the own, the rest of the partner's; shape (photos,)."""

        def blend(own: Tensor) -> Tensor:
            weights = shares.view(-1, *[1] * (own.ndim - 1))
            return weights * own + (1 - weights) * own[partners]

        return Targets(tuple(map(blend, self.heads)), blend(self.years), blend(self.ages))

    def part(self, photos: slice) -> "Targets":
        """Those of some of the photos."""
        return Targets(tuple(head[photos] for head in self.heads), self.years[photos], self.ages[photos])


class Classifier(nn.Module):
    """Networks that look at the same photos, each at a size of its own, and are trained side by side.

    They share no weights: each learns as if it were alone, but that their losses together choose the epoch to keep.
    """

    def __init__(self, networks: Sequence[Network], sizes: Sequence[Size]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.head_sizes = networks[0].head_sizes
        self._sizes = tuple(sizes)

    @property
    def members(self) -> Iterator[Network]:
        """The networks."""
        return (network for network in self.networks if isinstance(network, Network))

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def forward(self, photos: Tensor) -> Tensor:
        """Logits, networks x photos x outputs, of photos x 3 x height x width, normalised."""
        pairs = zip(self.networks, self._sizes, strict=True)
        return torch.stack([network(shrink(photos, size)) for network, size in pairs])


def shrink(photos: Tensor, size: Size) -> Tensor:
    """Photos x 3 x height x width at a smaller height and width, pixels."""
    if photos.shape[2:] == size:
        return photos
    return functional.interpolate(photos, size, mode="bilinear", antialias=True)


def make_classifier(settings: TrainingSettings, size: Size) -> Classifier:
    """The classifier that the settings describe, for crops of that height and width, pixels.

    Raises:
        ConfigError: crops are too small for the heights that are asked for, or what `make_network` raises.
        TrainingError: as `make_network`.
    """
    side = settings.augment.random_crop
    if side > min(size):
        raise ConfigError(
            f"training.augment.random_crop is {side}, more than crops of {size[0]} x {size[1]} pixels have. Lower it, "
            "or raise prepare.height and prepare.width."
        )
    height, width = (side, side) if side else size
    too_high = [str(asked) for asked in settings.heights if asked > height]
    remedy = f"Lower them, or let networks see more than {height} (prepare.height, training.augment.random_crop)."
    raise_faults(
        fault("heights are more than networks see", too_high, remedy),
        "training.heights cannot be as they are",
        ConfigError,
    )
    sizes = [(asked, max(1, round(width * asked / height))) for asked in settings.heights] or [(height, width)]
    return Classifier([make_network(settings, own) for own in sizes], sizes)


def make_network(settings: TrainingSettings, size: Size) -> Network:
    """A network for photos of that height and width. Raises what `make_backbone` and `freeze_stages` raise."""
    backbone = make_backbone(settings.backbone, size, pretrained=settings.pretrained)
    check_size(backbone, settings.backbone, size)
    freeze_stages(backbone, settings.frozen)
    return Network(backbone, feature_count(backbone), settings)


def class_probabilities(classifier: Classifier, logits: Tensor) -> Tensor:
    """Probabilities, photos x 18, in double precision, rows add up to 1: the mean of what the networks say."""
    said = [network_probabilities(*pair) for pair in zip(classifier.members, logits, strict=True)]
    return torch.stack(said).mean(dim=0)


def network_probabilities(network: Network, logits: Tensor) -> Tensor:
    """Probabilities, photos x 18, in double precision; rows add up to 1.

    Three heads are taken as independent: the probability of a class is the product of its attributes'. The age group's
    is the mean of what the age head and the years head say.
    """
    heads = [functional.softmax(part.double(), dim=1) for part in network.by_head(logits)]
    years = network.by_year(logits)
    if years is not None and network.head_sizes == ATTRIBUTE_SIZES:
        heads[-1] = (heads[-1] + age_groups(functional.softmax(years.double(), dim=1))) / 2
    product = heads[0]
    for head in heads[1:]:
        product = torch.einsum("ni,nj->nij", product, head).flatten(1)
    return product


def age_groups(years: Tensor) -> Tensor:
    """Probabilities of the age groups, photos x 3, of those of the ages 0 to 80, photos x 81."""
    young, old = AGE_BOUNDS
    return torch.stack(
        [part.sum(dim=1) for part in torch.split(years, [young, old - young, YEARS - old], dim=1)], dim=1
    )


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
    distances = torch.arange(YEARS, device=ages.device) - ages.clamp_max(YEARS - 1).view(-1, 1)
    years = functional.softmax(-(distances**2) / (2 * BELL**2), dim=1)
    return Targets(tuple(heads[::-1]), years, (ages - MIDDLE_AGE) / AGE_SPREAD)
