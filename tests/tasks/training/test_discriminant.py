import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from tasks.classes import CLASS_COUNT
from tasks.errors import TrainingError
from tasks.training.discriminant import discriminants, set_heads
from tasks.training.dlib_net import FACES, IDENTITY
from tasks.training.model import make_classifier
from tasks.training.score import normalised
from tasks.training.settings import OptimiserSettings, TrainingSettings
from tasks.training.state import new_state
from tests.tasks.training.conftest import CPU, Lab

COMPUTED = {"hidden": 0, "first_epoch": "discriminant", "epochs": 1}


@pytest.fixture(scope="module")
def told() -> tuple[Tensor, Tensor]:
    """Twelve features of 400 photos, in units that differ a thousandfold and far from 0, and three values."""
    random = np.random.default_rng(1)
    values = random.integers(0, 3, 400)
    features = random.normal(0, 1, (400, 12)) @ random.normal(0, 1, (12, 12)) + values[:, None]
    features = features * np.logspace(-1, 2, 12) + 5
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(values)


def judged(features: Tensor, heads: tuple[Tensor, Tensor]) -> NDArray[np.float64]:
    """Probabilities by heads in single precision, as those of a classifier are."""
    weights, biases = (part.float() for part in heads)
    return (features @ weights.T + biases).double().softmax(1).numpy()


@pytest.mark.parametrize("shrinkage", [0.1, 0.5, 1.0])
def test_discriminants_are_those_of_normal_densities_with_a_shrunken_covariance(
    told: tuple[Tensor, Tensor], shrinkage: float
) -> None:
    features, values = told
    exact = features.double().numpy()
    expected = by_hand((exact - exact.mean(0)) / exact.std(0), values.numpy(), shrinkage)
    assert judged(features, discriminants(features, values, 3, shrinkage)) == pytest.approx(expected, abs=1e-4)


def test_discriminants_that_shrink_nothing_are_those_of_scikit_learn(told: tuple[Tensor, Tensor]) -> None:
    features, values = told
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(features.double().numpy(), values.numpy())
    weights, biases = discriminants(features, values, 3, 0.0)
    found = (features.double() @ weights.T + biases).softmax(1).numpy()
    assert found == pytest.approx(reference.predict_proba(features.double().numpy()), abs=1e-6)


def by_hand(features: NDArray[np.float64], values: NDArray[np.int64], shrinkage: float) -> NDArray[np.float64]:
    """Probabilities by Bayes' rule, of normal densities that share a shrunken covariance."""
    shares = np.bincount(values) / len(values)
    centred = np.concatenate([features[values == value] - features[values == value].mean(0) for value in range(3)])
    within = centred.T @ centred / len(values)
    within = (1 - shrinkage) * within + shrinkage * np.eye(len(within))
    logs = []
    for value, share in enumerate(shares):
        away = features - features[values == value].mean(0)
        logs.append(np.log(share) - (away @ np.linalg.inv(within) * away).sum(1) / 2)
    densities = np.exp(np.stack(logs, 1) - np.max(logs, axis=0)[:, None])
    return densities / densities.sum(1, keepdims=True)


def test_photos_may_be_summed_up_in_any_order_and_in_parts(
    told: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, values = told
    whole = discriminants(features, values, 3, 0.5)
    monkeypatch.setattr("tasks.training.discriminant.ROWS", 70)
    for one, other in zip(whole, discriminants(features.flip(0), values.flip(0), 3, 0.5), strict=True):
        assert torch.allclose(one, other, rtol=1e-8)


@pytest.mark.parametrize("constant", [0.0, 0.1, 3.0, 13.37, 1e6])
def test_feature_that_never_changes_counts_for_nothing(told: tuple[Tensor, Tensor], constant: float) -> None:
    features, values = told
    more = torch.cat([features, torch.full((400, 20), constant)], dim=1)
    more[::2, -1] *= 1 + 1e-7  # rounding is no change
    weights, biases = discriminants(more, values, 3, 0.5)
    assert (weights[:, 12:] == 0).all()
    expected = judged(features, discriminants(features, values, 3, 0.5))
    assert judged(more, (weights, biases)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("photos", [20, 100])
def test_value_without_photos_is_never_chosen(photos: int) -> None:
    random = np.random.default_rng(1)
    values = torch.from_numpy(random.integers(0, 17, photos))
    features = torch.from_numpy(random.normal(0, 1, (photos, 256)) + 0.15 * values.numpy()[:, None]).float()
    unseen = torch.from_numpy(random.normal(0, 1, (500, 256))).float()
    found = judged(unseen, discriminants(features, values, 18, 0.5))
    assert np.isfinite(found).all()
    assert (found.argmax(1) != 17).all()


def test_photos_that_are_all_alike_are_told_by_their_shares() -> None:
    weights, biases = discriminants(torch.ones(4, 3), torch.tensor([0, 0, 0, 1]), 2, 0.5)
    assert (weights == 0).all()
    assert biases.exp().tolist() == pytest.approx([0.75, 0.25])


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
    assert history["train_loss"].iloc[1] < 0.01 < plain["train_loss"].min()
    assert history["learning_rate"].tolist() == [0, 1e-6]


def test_mirrored_photos_count_if_they_are_scored(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={**COMPUTED, "mirror": True})
    state, rows = new_state(settings, (32, 32), CPU), lab.rows.training
    feed = lab.course(settings).feed
    with torch.no_grad():
        views = [normalised(batch, state.classifier, settings) for batch in feed.batches(rows)]
        features = torch.cat([state.classifier.eval().backbone(torch.cat(views).flip(axes)) for axes in ((), (3,))])
    weights, biases = discriminants(features, feed.classes[rows].repeat(2) % 3, 3, settings.shrinkage)
    result = lab.fit(settings, state)
    assert result.history["train_loss"].item() == pytest.approx(lab.score(settings, state, rows).loss, rel=1e-5)
    heads = result.classifier.heads
    assert torch.allclose(heads.bias[5:], biases.float(), rtol=1e-3)
    assert torch.allclose(heads.weight[5:], weights.float(), rtol=1e-3, atol=1e-4)


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
    classifier = make_classifier(TrainingSettings(backbone=FACES, pretrained=False, hidden=0), (103, 103))
    random = torch.Generator().manual_seed(1)
    features, classes = torch.randn(200, 1280, generator=random), torch.randint(CLASS_COUNT, (200,), generator=random)
    set_heads(classifier, features, classes, 0.5)
    assert torch.equal(classifier.heads.weight[5:, IDENTITY:], torch.zeros(3, 1024))
    assert (classifier.heads.weight[:5] != 0).all()
    assert (classifier.heads.weight[5:, :IDENTITY] != 0).all()
