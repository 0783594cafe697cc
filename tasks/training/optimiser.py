"""Optimisers, and which weights they move how fast."""

from collections.abc import Iterator
from typing import Any

import torch
from adamp import SGDP, AdamP
from timm.models import group_parameters
from torch import Tensor, nn

from tasks.errors import ConfigError
from tasks.training.model import Classifier
from tasks.training.settings import OptimiserSettings

MOMENTUM = 0.9
"""Of SGDP, as its authors' example has it (github.com/clovaai/AdamP)."""


class _ChannelsLast:
    """Takes weights in channels_last order, which the `.view` calls of the adamp package refuse."""

    def _channel_view(self, x: Tensor) -> Tensor:
        return x.reshape(x.size(0), -1)

    def _layer_view(self, x: Tensor) -> Tensor:
        return x.reshape(1, -1)


class ChannelsLastAdamP(_ChannelsLast, AdamP):  # type: ignore[misc]
    """AdamP for weights in any order."""


class ChannelsLastSGDP(_ChannelsLast, SGDP):  # type: ignore[misc]
    """SGDP for weights in any order."""


def make_optimiser(classifier: Classifier, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """The optimiser of all weights, those that are frozen now included.

    Raises:
        ConfigError: layers should learn at rates of their own, but timm does not group those of this backbone.
    """
    groups = list(_groups(classifier, settings))
    rate = settings.learning_rate
    optimiser: torch.optim.Optimizer
    match settings.name:
        case "adamp":
            optimiser = ChannelsLastAdamP(groups, lr=rate)
        case "sgdp":
            optimiser = ChannelsLastSGDP(groups, lr=rate, momentum=MOMENTUM, nesterov=True)
        case "adam":
            optimiser = torch.optim.Adam(groups, lr=rate)
        case "adamw":
            optimiser = torch.optim.AdamW(groups, lr=rate)
    return optimiser


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let every group of weights learn at `rate`, times its own scale."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


def _groups(classifier: Classifier, settings: OptimiserSettings) -> Iterator[dict[str, Any]]:
    """Weights by `scale`, what their learning rate is multiplied by.

    Biases and norms are not decayed, as shrinking them only distorts the statistics.
    """
    scales = _scales(classifier.backbone, settings.layer_decay)
    named = [(scales.get(name, 1.0), weight) for name, weight in classifier.named_parameters()]
    for scale in sorted({scale for scale, _ in named}):
        weights = [weight for own, weight in named if own == scale]
        for params, decay in (
            ([weight for weight in weights if weight.ndim > 1], settings.weight_decay),
            ([weight for weight in weights if weight.ndim <= 1], 0.0),
        ):
            if params:
                yield {"params": params, "weight_decay": decay, "scale": scale}


def _scales(backbone: nn.Module, layer_decay: float) -> dict[str, float]:
    """Scale of each of the backbone's weights, by its name in the classifier.

    Source: Clark et al., "ELECTRA" (2020), as Bao et al., "BEiT" (2021), use it: the heads learn at the full rate, the
    last stage at `layer_decay` times it, and so on down to the stem.
    """
    if layer_decay == 1:
        return {}
    model: Any = backbone
    try:
        stages = group_parameters(model, model.group_matcher(coarse=True))
    except (AttributeError, AssertionError) as error:
        raise ConfigError(
            "training.optimiser.layer_decay: timm groups no layers of this backbone. Use 1, or another backbone."
        ) from error
    return {
        f"backbone.{name}": layer_decay ** (len(stages) - place)
        for place, names in enumerate(stages.values())
        for name in names
    }
