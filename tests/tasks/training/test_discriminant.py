import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from tasks.classes import CLASS_COUNT
from tasks.errors import TrainingError
from tasks.training.discriminant import Moments, set_heads
from tasks.training.face_net import FACES, IDENTITY
from tasks.training.model import make_classifier
from tasks.training.settings import OptimiserSettings, TrainingSettings
from tasks.training.state import new_state
from tests.tasks.training.conftest import CPU, Lab

COMPUTED = {"hidden": 0, "first_epoch": "discriminant", "epochs": 1}


@pytest.fixture(scope="module")
def told() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features of 400 photos, in units that differ a thousandfold and far from 0, and their classes."""
    random = np.random.default_rng(1)
    classes = random.integers(0, CLASS_COUNT, 400)
    features = random.normal(0, 1, (400, 12)) @ random.normal(0, 1, (12, 12)) + classes[:, None] % 3
    return features * np.logspace(-1, 2, 12) + 5, classes


def moments_of(features: NDArray[np.float64], classes: NDArray[np.int64], parts: int = 3) -> Moments:
    moments = Moments(features.shape[1])
    for rows in np.array_split(np.arange(len(features)), parts):
        moments.add(torch.from_numpy(features[rows]), torch.from_numpy(classes[rows]))
    return moments


def values_of_age() -> torch.Tensor:
    return nn.functional.one_hot(torch.arange(CLASS_COUNT) % 3, 3).double()


@pytest.mark.parametrize("shrinkage", [0.1, 0.5, 1.0])
def test_discriminants_are_those_of_normal_densities_with_a_shrunken_covariance(
    told: tuple[NDArray[np.float64], NDArray[np.int64]], shrinkage: float
) -> None:
    features, classes = told
    weights, biases = moments_of(features, classes).discriminants(values_of_age(), slice(None), shrinkage)
    found = (torch.from_numpy(features) @ weights.T + biases).softmax(1).numpy()
    alike = (features - features.mean(0)) / features.std(0)
    assert found == pytest.approx(by_hand(alike, classes % 3, shrinkage), abs=1e-9)


def test_discriminants_that_shrink_nothing_are_those_of_scikit_learn(
    told: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    features, classes = told
    weights, biases = moments_of(features, classes).discriminants(values_of_age(), slice(None), 0.0)
    found = (torch.from_numpy(features) @ weights.T + biases).softmax(1).numpy()
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(features, classes % 3)
    assert found == pytest.approx(reference.predict_proba(features), abs=1e-7)


def by_hand(features: NDArray[np.float64], values: NDArray[np.int64], shrinkage: float) -> NDArray[np.float64]:
    """Probabilities by Bayes' rule, of normal densities that share a shrunken covariance."""
    shares = np.bincount(values) / len(values)
    centred = np.concatenate([features[values == value] - features[values == value].mean(0) for value in range(3)])
    within = centred.T @ centred / len(values)
    within = (1 - shrinkage) * within + shrinkage * within.diagonal().mean() * np.eye(len(within))
    logs = []
    for value, share in enumerate(shares):
        away = features - features[values == value].mean(0)
        logs.append(np.log(share) - (away @ np.linalg.inv(within) * away).sum(1) / 2)
    densities = np.exp(np.stack(logs, 1) - np.max(logs, axis=0)[:, None])
    return densities / densities.sum(1, keepdims=True)


def test_order_and_parts_in_which_photos_come_do_not_matter(
    told: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    features, classes = told
    one = moments_of(features, classes, 1).discriminants(values_of_age(), slice(None), 0.5)
    other = moments_of(features[::-1].copy(), classes[::-1].copy(), 7).discriminants(values_of_age(), slice(None), 0.5)
    for left, right in zip(one, other, strict=True):
        assert torch.allclose(left, right, rtol=1e-8)


def test_value_without_photos_and_feature_that_never_changes_are_harmless(
    told: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    features, classes = told
    features = np.c_[features, np.full(400, 3.0)]
    there = classes % 3 < 2
    weights, biases = moments_of(features[there], classes[there]).discriminants(values_of_age(), slice(None), 0.5)
    found = torch.from_numpy(features[there]) @ weights.T + biases
    assert found.isfinite().all()
    assert found.argmax(1).max() == 1
    assert found.softmax(1)[:, 2].max() < 0.1


def test_first_epoch_computes_heads_and_leaves_the_backbone(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update=COMPUTED)
    state = new_state(settings, (32, 32), CPU)
    before = {name: value.clone() for name, value in state.classifier.state_dict().items()}
    result = lab.fit(settings, state)
    changed = {name for name, value in result.classifier.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"heads.weight", "heads.bias"}
    row = result.history.iloc[0]
    assert row["macro_f1"] > 0.9
    assert row["train_loss"] == pytest.approx(lab.score(settings, state, lab.rows.training).loss, rel=1e-5)
    assert row["learning_rate"] == 0


def test_later_epochs_go_on_from_the_computed_heads(lab: Lab, tiny: TrainingSettings) -> None:
    gentle = OptimiserSettings(learning_rate=1e-6)
    # A network whose norms look at each photo alone: those of a batch would need what they have seen in training.
    settings = tiny.model_copy(update={"backbone": "test_convnext.r160_in1k", "hidden": 0, "optimiser": gentle})
    plain = lab.fit(settings).history
    lab.checkpoints.drop()
    history = lab.fit(settings.model_copy(update={**COMPUTED, "epochs": 2})).history
    assert plain["train_loss"].max() > history["train_loss"].iloc[1] > 0
    assert history["train_loss"].iloc[1] < 0.01 < plain["train_loss"].min()
    assert history["learning_rate"].tolist() == [0, 1e-6]


def test_running_mean_starts_from_the_computed_heads(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={**COMPUTED, "ema": 0.99})
    state = new_state(settings, (32, 32), CPU)
    lab.fit(settings, state)
    assert torch.equal(state.scored.heads.weight, state.classifier.heads.weight)


def test_features_that_are_no_numbers_stop_training_and_name_the_photos(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update=COMPUTED)
    state = new_state(settings, (32, 32), CPU)
    with torch.no_grad():
        next(state.classifier.backbone.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"batch of 8 photos such as 00\.jpg is not finite\..* 00\.jpg, 01\.jpg, "):
        lab.fit(settings, state)


def test_single_head_is_computed_too(lab: Lab, tiny: TrainingSettings) -> None:
    history = lab.fit(tiny.model_copy(update={**COMPUTED, "hidden": 16, "heads": "classes"})).history
    assert history["macro_f1"].item() > 0.9


def test_age_head_of_the_face_network_reads_no_early_features() -> None:
    classifier = make_classifier(TrainingSettings(backbone=FACES, pretrained=False, hidden=0), (112, 112))
    random = np.random.default_rng(1)
    features, classes = random.normal(0, 1, (200, 1280)), random.integers(0, CLASS_COUNT, 200)
    set_heads(classifier, moments_of(features, classes), 0.5)
    assert torch.equal(classifier.heads.weight[5:, IDENTITY:], torch.zeros(3, 1024))
    assert (classifier.heads.weight[:5] != 0).all()
    assert (classifier.heads.weight[5:, :IDENTITY] != 0).all()
