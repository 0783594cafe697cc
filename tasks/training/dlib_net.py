"""A network that has learnt to tell people apart, as a torch module: what training on few persons starts from.

It is the face recognition network of dlib's models (github.com/davisking/dlib-models, CC0), trained by Davis King on
some three million faces, as the package face_recognition_models carries it. It looks at aligned faces:
`prepare.frame: eyes` with the distances that are its defaults, 150 x 150 pixels.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FACES = "face_recognition"
"""Name under which the backbone is asked for."""
STEM = 32
"""Channels of the first convolution."""
BLOCKS = (
    *((32, 1), (32, 1), (32, 1)),
    *((64, 2), (64, 1), (64, 1), (64, 1)),
    *((128, 2), (128, 1), (128, 1)),
    *((256, 2), (256, 1), (256, 1)),
    (256, 2),
)
"""Channels and stride of each block. Source: the type `anet_type` in dlib's examples/dnn_face_recognition_ex.cpp."""
EARLY = 7
"""Blocks before the map of early features."""
GRID = 4
"""Rows and columns that the early map is averaged to."""
IDENTITY = 256
"""Number of features behind the last block, which come first."""


class Block(nn.Module):
    """dlib's residual block. One that halves averages its shortcut, and fills what either lacks with zeros."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.halves = stride == 2
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=0 if self.halves else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Photos x inputs x height x width to photos x outputs x ..."""
        new = self.second(functional.relu(self.first(x)))
        if self.halves:
            x = functional.avg_pool2d(x, 2)
            channels, height, width = (max(pair) for pair in zip(new.shape[1:], x.shape[1:], strict=True))
            new, x = (_filled(part, channels, height, width) for part in (new, x))
        return functional.relu(new + x)


class DlibNet(nn.Module):
    """Photos x 3 x height x width, of 103 pixels or more, to photos x 1280.

    The first 256 features are what dlib's network tells people by; it has a linear layer behind them. The others are an
    early map, averaged to 4 x 4: it has kept where things lie, such as the edge of a mask.
    """

    num_features = IDENTITY + BLOCKS[EARLY - 1][0] * GRID**2

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 7, 2)
        widths = (STEM, *(outputs for outputs, _ in BLOCKS))
        blocks = [Block(inputs, *block) for inputs, block in zip(widths, BLOCKS, strict=False)]
        self.early, self.late = nn.Sequential(*blocks[:EARLY]), nn.Sequential(*blocks[EARLY:])

    def forward(self, x: Tensor) -> Tensor:
        """Features, photos x 1280, of photos x 3 x height x width."""
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        early = self.early(x)
        identity = self.late(early).mean(dim=(2, 3))
        return torch.cat([identity, functional.adaptive_avg_pool2d(early, GRID).flatten(1)], dim=1)

    def features_of(self, attribute: str) -> slice:
        """The features that tell an attribute.

        Ages are in what tells people apart: on 400 persons, early features beside it cost 2 points of accuracy.
        Masks and gender are in both: without the early ones they lose 2 and 1.
        """
        return slice(IDENTITY) if attribute == "age" else slice(None)

    def group_matcher(self, coarse: bool = False) -> Mapping[str, str]:
        """Early and late layers: timm's way to tell stages."""
        del coarse
        return {"stem": r"^(?:stem|early)", "blocks": r"^late"}


def load_packaged(net: DlibNet) -> None:
    """Give `net` the weights that the package carries.

    dlib has a factor and an offset a channel behind each convolution; here they are part of the convolution.
    """
    layers = (layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
    tensors = _packaged_tensors()  # two a layer: zip takes the second from where the first has left off
    for layer, convolution, affine in zip(layers, tensors, tensors, strict=True):
        weights, biases = torch.split(convolution, [layer.weight.numel(), layer.out_channels])
        factors, offsets = torch.split(affine, layer.out_channels)
        layer.load_state_dict(
            {
                "weight": weights.view_as(layer.weight) * factors.view(-1, 1, 1, 1),
                "bias": biases * factors + offsets,
            }
        )


def _packaged_tensors() -> Iterator[Tensor]:
    """The weights of each convolution, and of each affine layer, flat, in the order in which they are computed.

    dlib writes a layer as its name, a string behind its length, and its weights. Source: `serialize` of the layers in
    dlib/cuda/tensor.cpp and dlib/dnn/layers.h.
    """
    name = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
    # Asked for as a file: importing the package would need setuptools, which nobody else needs here.
    data = Path(str(distribution("face_recognition_models").locate_file(name))).read_bytes()
    for layer in re.finditer(rb"\x01\x05con_4|\x01\x07affine_", data):
        yield _read_tensor(data, layer.end())


def _read_tensor(data: bytes, place: int) -> Tensor:
    """A tensor, flat: the version of the format, four lengths, and floats with the lowest byte first."""
    numbers = []
    for _ in range(5):
        size = data[place]  # an integer: the number of its bytes, and these, the lowest first
        numbers.append(int.from_bytes(data[place + 1 : place + 1 + size], "little"))
        place += 1 + size
    _version, *lengths = numbers
    return torch.from_numpy(np.frombuffer(data, "<f4", int(np.prod(lengths)), place).copy())


def _filled(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """`x` with zeros behind it, up to that size."""
    return functional.pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1]))
