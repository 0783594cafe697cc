import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from tasks.training.loss import ARC_MARGIN, Loss, balanced_weights, f1_loss, focal_loss, with_margin
from tasks.training.model import AGE_SPREAD, ARC_SCALE, MIDDLE_AGE, make_classifier, make_targets
from tasks.training.settings import LossSettings, TrainingSettings


def drawn(photos: int = 12, classes: int = 5, seed: int = 1) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(photos, classes, generator=random) * 2
    return logits, torch.randint(classes, (photos,), generator=random)


def one_hot(truth: Tensor, classes: int = 5) -> Tensor:
    return functional.one_hot(truth, classes).float()


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_loss_follows_the_formula(gamma: float) -> None:
    logits, truth = drawn()
    p = functional.softmax(logits.double(), dim=1)[torch.arange(12), truth]
    expected = -((1 - p) ** gamma) * p.log()
    assert focal_loss(logits, one_hot(truth), gamma).numpy() == pytest.approx(expected.numpy(), rel=1e-4)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    logits, truth = drawn()
    expected = functional.cross_entropy(logits, truth, reduction="none")
    assert torch.allclose(focal_loss(logits, one_hot(truth), 0.0), expected, atol=1e-6)


def test_focal_loss_of_a_certain_photo_has_a_gradient() -> None:
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([[1.0, 0.0]]), 0.5).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_f1_loss_of_decisions_is_one_minus_the_macro_f1() -> None:
    logits, truth = drawn(40)
    certain = one_hot(logits.argmax(dim=1)) * 1000
    expected = f1_score(truth, logits.argmax(dim=1), labels=range(5), average="macro", zero_division=0)
    assert f1_loss(certain, one_hot(truth)).item() == pytest.approx(1 - expected, abs=1e-6)


def test_f1_loss_falls_as_the_right_classes_become_likelier() -> None:
    logits, truth = drawn(40)
    logits.requires_grad_()
    loss = f1_loss(logits, one_hot(truth))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert f1_loss(logits - gradient, one_hot(truth)) < loss


def test_balanced_weights_are_scikit_learns() -> None:
    _, truth = drawn(50)
    expected = compute_class_weight("balanced", classes=np.arange(5), y=truth.numpy())
    assert balanced_weights(one_hot(truth).sum(dim=0)).numpy() == pytest.approx(expected, rel=1e-5)


def test_class_without_photos_has_no_weight() -> None:
    assert balanced_weights(torch.tensor([3.0, 0.0, 1.0])).tolist() == pytest.approx([4 / 6, 0, 2])


def classes_loss(**change: object) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of 18 classes with changed loss settings; the logits and the classes that it is of."""
    loss = LossSettings().model_copy(update={"name": "cross_entropy", **change})
    settings = TrainingSettings(backbone="test_resnet.r160_in1k", pretrained=False, heads="classes", loss=loss)
    logits, truth = drawn(30, 18)
    classifier = make_classifier(settings, (32, 32))
    targets = make_targets(truth, torch.zeros(30), classifier.head_sizes)
    return Loss(settings, truth, classifier.head_sizes)(classifier, logits, targets), logits, truth


def test_label_smoothing_is_torchs() -> None:
    loss, logits, truth = classes_loss(smoothing=0.1)
    assert loss.item() == pytest.approx(functional.cross_entropy(logits, truth, label_smoothing=0.1).item(), rel=1e-5)


def test_weights_of_classes_multiply_the_losses_of_their_photos() -> None:
    loss, logits, truth = classes_loss(class_weights="balanced")
    weights = balanced_weights(one_hot(truth, 18).sum(dim=0))
    expected = (functional.cross_entropy(logits, truth, reduction="none") * weights[truth]).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("angle", [0.2, 1.0, 2.0, 3.0])
def test_margin_widens_the_angle_to_the_true_class_alone(angle: float) -> None:
    cosines = torch.tensor([[math.cos(angle), 0.3]]) * ARC_SCALE
    logits = torch.cat([cosines, torch.tensor([[7.0]])], dim=1)
    hardened = with_margin(logits, torch.tensor([[1.0, 0.0]]), cosines)[0].tolist()
    expected = math.cos(min(angle + ARC_MARGIN, math.pi)) * ARC_SCALE
    assert hardened == pytest.approx([expected, 0.3 * ARC_SCALE, 7.0], abs=1e-3)


def test_margin_is_for_training_alone(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"heads": "arcface"})
    classifier, truth = make_classifier(settings, (32, 32)), torch.arange(8)
    loss = Loss(settings, truth, classifier.head_sizes)
    logits = classifier.eval()(torch.zeros(8, 3, 32, 32))
    targets = make_targets(truth, torch.zeros(8), classifier.head_sizes)
    assert logits.abs().max() <= ARC_SCALE * 1.001
    scored = loss(classifier.eval(), logits, targets)
    assert loss(classifier.train(), logits, targets) > scored + 1


def test_age_adds_its_loss_by_its_weight(tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"loss": LossSettings(age=3.0)})
    classifier, truth = make_classifier(settings, (32, 32)), torch.arange(8)
    loss = Loss(settings, truth, classifier.head_sizes)
    logits, ages = torch.zeros(8, 9), torch.full((8,), MIDDLE_AGE + AGE_SPREAD / 2)
    wrong = make_targets(truth, ages, classifier.head_sizes)
    right = replace(wrong, ages=torch.zeros(8))
    assert (loss(classifier, logits, wrong) - loss(classifier, logits, right)).item() == pytest.approx(3 * 0.5**3)
