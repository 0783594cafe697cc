from importlib.metadata import distribution

import dlib
import numpy as np
import pytest
import torch

from tasks.classes import ATTRIBUTES
from tasks.errors import ConfigError
from tasks.training.backbone import feature_count, make_backbone
from tasks.training.dlib_net import FACES, IDENTITY, DlibNet
from tasks.training.model import make_classifier
from tasks.training.settings import TrainingSettings

MEAN = (122.782, 117.001, 104.298)
"""Red, green and blue that dlib subtracts before it divides by 256: dlib/dnn/input.h."""


@pytest.fixture(scope="module")
def net() -> DlibNet:
    backbone = make_backbone(FACES, (150, 150), pretrained=True).eval()
    assert isinstance(backbone, DlibNet)
    return backbone


def test_face_network_tells_people_apart_as_dlib_does(net: DlibNet) -> None:
    path = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
    reference = dlib.face_recognition_model_v1(str(distribution("face_recognition_models").locate_file(path)))
    random = np.random.default_rng(1)
    photos = random.integers(0, 256, (300, 9, 9, 3), np.uint8).repeat(17, 1).repeat(17, 2)[:, :150, :150]
    pixels = (torch.from_numpy(photos).permute(0, 3, 1, 2) - torch.tensor(MEAN).view(3, 1, 1)) / 256
    with torch.no_grad():
        features = net(pixels.float())[:, :IDENTITY].double().numpy()
    # dlib shows only what its last layer makes of the features, which we leave out: if they are the same, then one
    # matrix leads from ours to dlib's for all photos.
    described = np.array([reference.compute_face_descriptor(np.ascontiguousarray(photo)) for photo in photos])
    matrix, *_ = np.linalg.lstsq(features, described, rcond=None)
    assert np.abs(features @ matrix - described).max() < 1e-5
    assert np.abs(described).max() > 0.1


def test_face_network_takes_crops_of_any_size_from_103_pixels() -> None:
    untrained = make_backbone(FACES, (103, 103), pretrained=False).eval()
    for height, width in ((103, 103), (150, 131), (260, 200)):
        assert untrained(torch.randn(2, 3, height, width)).shape == (2, feature_count(untrained))
    with pytest.raises(ConfigError, match=r"face_recognition does not take photos of 102 x 120 pixels"):
        make_classifier(TrainingSettings(backbone=FACES, pretrained=False), (102, 120))


def test_ages_are_read_from_what_tells_people_apart(net: DlibNet) -> None:
    widths = [len(range(net.num_features)[net.features_of(attribute)]) for attribute in ATTRIBUTES]
    assert dict(zip(ATTRIBUTES, widths, strict=True)) == {"mask": 1280, "gender": 1280, "age": 256}


def test_early_stage_can_be_frozen_by_itself() -> None:
    settings = TrainingSettings(backbone=FACES, pretrained=False, frozen=1)
    classifier = make_classifier(settings, (103, 103))
    frozen = {name for name, weight in classifier.named_parameters() if not weight.requires_grad}
    assert frozen == {
        name for name, _ in classifier.named_parameters() if name.startswith(("backbone.stem", "backbone.early"))
    }
