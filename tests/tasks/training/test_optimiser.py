import copy

import pytest
import torch
from adamp import AdamP
from torch import nn

from tasks.training.optimiser import ChannelsLastAdamP, make_optimiser, make_schedule
from tasks.training.settings import TrainingSettings


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)
    )


def test_channels_last_parameters_take_the_steps_that_adamp_takes() -> None:
    plain = network()
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimisers = [
        (plain, AdamP(plain.parameters(), lr=1e-2, weight_decay=1e-2)),
        (last, ChannelsLastAdamP(last.parameters(), lr=1e-2, weight_decay=1e-2)),
    ]
    for step in range(5):
        photos = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        for model, optimiser in optimisers:
            optimiser.zero_grad()
            model(photos).square().sum().backward()
            optimiser.step()
    for one, other in zip(plain.parameters(), last.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_biases_and_norms_are_not_decayed(tiny: TrainingSettings) -> None:
    model = network()
    decayed, others = make_optimiser(model, tiny).param_groups
    assert [parameter.ndim for parameter in decayed["params"]] == [4, 2]
    assert {parameter.ndim for parameter in others["params"]} == {1}
    assert (decayed["weight_decay"], others["weight_decay"]) == (tiny.weight_decay, 0.0)
    assert len(decayed["params"]) + len(others["params"]) == len(list(model.parameters()))


def test_learning_rate_falls_after_each_milestone(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"learning_rate": 1.0, "milestones": (1, 3), "decay_factor": 0.1})
    optimiser = make_optimiser(network(), settings)
    schedule = make_schedule(optimiser, settings)
    rates = []
    for _ in range(5):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])
