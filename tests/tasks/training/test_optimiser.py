import copy

import pytest
import torch
from adamp import SGDP, AdamP
from torch import nn

from tasks.errors import ConfigError
from tasks.training.model import make_classifier
from tasks.training.optimiser import ChannelsLastAdamP, ChannelsLastSGDP, make_optimiser, set_rate
from tasks.training.settings import OptimiserSettings, TrainingSettings


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        (AdamP, ChannelsLastAdamP, {"lr": 1e-2}),
        (SGDP, ChannelsLastSGDP, {"lr": 1e-2, "momentum": 0.9, "nesterov": True}),
    ],
    ids=["adamp", "sgdp"],
)
def test_channels_last_weights_take_the_steps_of_the_package(
    theirs: type, ours: type, options: dict[str, float]
) -> None:
    plain = network()
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimisers = [
        (plain, theirs(plain.parameters(), weight_decay=1e-2, **options)),
        (last, ours(last.parameters(), weight_decay=1e-2, **options)),
    ]
    for step in range(5):
        photos = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        for model, optimiser in optimisers:
            optimiser.zero_grad()
            model(photos).square().sum().backward()
            optimiser.step()
    for one, other in zip(plain.parameters(), last.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("theirs", "ours"), [(AdamP, ChannelsLastAdamP), (SGDP, ChannelsLastSGDP)])
def test_gradient_across_a_whole_layer_is_projected_as_the_package_does(theirs: type, ours: type) -> None:
    weight = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    gradient = weight.clone()  # along the weights in each channel, across them in the layer
    gradient[1] *= -((weight[0].norm() / weight[1].norm()) ** 2)
    plain, last = nn.Parameter(weight.clone()), nn.Parameter(weight.to(memory_format=torch.channels_last))
    for parameter, optimiser in ((plain, theirs([plain], lr=0.1)), (last, ours([last], lr=0.1))):
        parameter.grad = gradient.clone().contiguous(
            memory_format=torch.channels_last if parameter is last else torch.contiguous_format
        )
        optimiser.step()
    assert torch.allclose(plain, last, atol=1e-6)
    assert not torch.allclose(plain, weight)


def test_sgdp_has_the_momentum_of_nesterov(tiny: TrainingSettings) -> None:
    optimiser = make_optimiser(make_classifier(tiny, (32, 32)), OptimiserSettings(name="sgdp"))
    assert {(group["momentum"], group["nesterov"]) for group in optimiser.param_groups} == {(0.9, True)}


@pytest.mark.parametrize("name", ["adamp", "sgdp", "adam", "adamw"])
def test_biases_and_norms_are_not_decayed(tiny: TrainingSettings, name: str) -> None:
    settings = tiny.optimiser.model_copy(update={"name": name})
    classifier = make_classifier(tiny, (32, 32))
    decayed, others = make_optimiser(classifier, settings).param_groups
    assert all(weight.ndim > 1 for weight in decayed["params"])
    assert all(weight.ndim <= 1 for weight in others["params"])
    assert (decayed["weight_decay"], others["weight_decay"]) == (settings.weight_decay, 0.0)
    assert len(decayed["params"]) + len(others["params"]) == len(list(classifier.parameters()))


def test_early_stages_learn_slower_and_heads_at_the_full_rate(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny, (32, 32))
    optimiser = make_optimiser(classifier, OptimiserSettings(layer_decay=0.5))
    set_rate(optimiser, 1.0)
    rates = {id(weight): group["lr"] for group in optimiser.param_groups for weight in group["params"]}
    named = {name: rates[id(weight)] for name, weight in classifier.named_parameters()}
    assert named["heads.weight"] == 1.0
    assert named["backbone.layer4.0.conv1.weight"] == 0.5
    assert named["backbone.layer3.0.conv1.weight"] == 0.25
    assert named["backbone.conv1.0.weight"] == min(named.values()) == 0.5**5


def test_rates_of_their_own_need_a_backbone_that_is_grouped(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny, (32, 32))
    classifier.backbone = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match="layer_decay: timm groups no layers"):
        make_optimiser(classifier, OptimiserSettings(layer_decay=0.5))
