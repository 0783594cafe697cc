"""What a person can choose about training."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TrainingSettings(BaseModel):
    """How a fold model is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    backbone: str = "tf_efficientnet_lite0"
    """Name of a timm model."""
    pretrained: bool = True
    """Start from ImageNet weights. Those of tf_efficientnet_lite0 ship in a package; others are fetched by timm."""
    frozen: int = Field(0, ge=0, le=100)
    """Number of the backbone's first stages (as timm groups its layers; the stem is the first) that are not trained."""
    heads: Literal["attributes", "classes"] = "attributes"
    """`attributes`: three heads (mask, gender, age) over a shared hidden layer. `classes`: one head of 18 classes."""
    hidden: int = Field(1024, ge=8, le=8192)
    """Width of the layer under the three heads. Read if heads is `attributes`."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the features, and of the hidden layer, that a training step leaves out."""
    focal_gamma: float = Field(5.0, ge=0, le=10)
    """Focusing of the focal loss: how little easy photos count. 0 is cross entropy."""
    epochs: int = Field(5, ge=1, le=1000)
    """Times that every training photo is seen."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept. `best`: that with the lowest loss on the fold's own photos. `last`: the last one;
    sound with a short schedule on few persons, where that loss rises long before the score falls."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Photos an optimiser step."""
    learning_rate: float = Field(3e-4, gt=0, le=10)
    """Learning rate of AdamP at the start."""
    weight_decay: float = Field(1e-2, ge=0, le=1)
    """Weight decay of AdamP."""
    milestones: tuple[Annotated[int, Field(ge=1)], ...] = (3, 4)
    """Epochs after which the learning rate is multiplied by `decay_factor`."""
    decay_factor: float = Field(0.3, gt=0, le=1)
    """What the learning rate is multiplied by at each milestone."""
    flip: float = Field(0.5, ge=0, le=1)
    """Chance that a training photo is mirrored."""
    shake: float = Field(0.0, ge=0, le=0.5)
    """How far a training photo is shifted and stretched at most (share of its size), and turned (in half circles)."""
    light: float = Field(0.0, ge=0, le=1)
    """How far brightness and contrast of a training photo change at most, as a share of their range."""
    mixup: float = Field(0.0, ge=0, le=10)
    """MixUp: how strongly training photos are blended with others, as the parameters of the Beta distribution that the
    shares are drawn from; 0 is not at all. Keeps a network from learning the few faces it has seen by heart."""
    mirror: bool = False
    """Score every photo mirrored too, and take the mean: steadier, at twice the time."""
    mean: tuple[Finite, Finite, Finite] = (0.5, 0.5, 0.5)
    """Red, green and blue subtracted from every pixel (0..1): what the backbone's weights were trained with."""
    std: tuple[Positive, Positive, Positive] = (0.5, 0.5, 0.5)
    """Red, green and blue by which every pixel is then divided."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Decides first weights, order of photos and augmentation: same seed, same device, same numbers."""
