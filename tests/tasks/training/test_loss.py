import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tasks.training.loss import classifier_loss, focal_loss
from tasks.training.model import Classifier, head_targets

LOGITS = torch.from_numpy(np.random.default_rng(1).normal(0, 3, (40, 5)))
CLASSES = torch.arange(40) % 5
TARGET = functional.one_hot(CLASSES, 5).float()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_that_of_the_paper(gamma: float) -> None:
    p = np.exp(LOGITS.numpy())
    p = (p / p.sum(axis=1, keepdims=True))[np.arange(40), CLASSES.numpy()]
    expected = -((1 - p) ** gamma) * np.log(p)
    assert focal_loss(LOGITS, TARGET, gamma).numpy() == pytest.approx(expected, rel=1e-3, abs=1e-7)


def test_focal_loss_without_focusing_is_cross_entropy() -> None:
    expected = functional.cross_entropy(LOGITS.float(), CLASSES, reduction="none")
    assert torch.allclose(focal_loss(LOGITS, TARGET, 0.0), expected)


def test_loss_of_a_blend_is_the_blend_of_the_losses() -> None:
    blend = 0.3 * TARGET + 0.7 * TARGET.roll(1, 0)
    expected = 0.3 * focal_loss(LOGITS, TARGET, 2.0) + 0.7 * focal_loss(LOGITS, TARGET.roll(1, 0), 2.0)
    assert torch.allclose(focal_loss(LOGITS, blend, 2.0), expected)


@pytest.mark.parametrize("logit", [-200.0, 0.0, 20.0, 200.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_loss_and_its_gradient_stay_finite_however_sure_the_model_is(logit: float, gamma: float) -> None:
    logits = torch.tensor([[logit, 0.0]], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([[1.0, 0.0]]), gamma).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert loss >= 0


def test_loss_of_a_classifier_is_the_sum_over_its_heads() -> None:
    classifier = Classifier(nn.Identity(), 8, (3, 2, 3), None)
    logits = torch.randn(6, 8)
    classes = torch.tensor([0, 5, 7, 10, 14, 17])
    mask, gender, age = logits.split((3, 2, 3), dim=1)
    expected = (
        focal_loss(mask, functional.one_hot(classes // 6), 2.0)
        + focal_loss(gender, functional.one_hot(classes // 3 % 2), 2.0)
        + focal_loss(age, functional.one_hot(classes % 3), 2.0)
    )
    assert torch.allclose(classifier_loss(classifier, logits, head_targets(classes, (3, 2, 3)), 2.0), expected)
