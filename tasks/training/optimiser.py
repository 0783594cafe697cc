"""AdamP and its schedule."""

import torch
from adamp import AdamP
from torch import Tensor, nn
from torch.optim.lr_scheduler import MultiStepLR

from tasks.training.settings import TrainingSettings


class ChannelsLastAdamP(AdamP):  # type: ignore[misc]
    """AdamP that also takes parameters in channels_last order, which its own `.view` calls refuse."""

    def _channel_view(self, x: Tensor) -> Tensor:
        return x.reshape(x.size(0), -1)

    def _layer_view(self, x: Tensor) -> Tensor:
        return x.reshape(1, -1)


def make_optimiser(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamP over all parameters; biases and norms are not decayed, as shrinking them only distorts the statistics."""
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimiser: torch.optim.Optimizer = ChannelsLastAdamP(groups, lr=settings.learning_rate)
    return optimiser


def make_schedule(optimiser: torch.optim.Optimizer, settings: TrainingSettings) -> MultiStepLR:
    """Learning rate times `decay_factor` after every milestone; stepped once an epoch."""
    return MultiStepLR(optimiser, list(settings.milestones), settings.decay_factor)
