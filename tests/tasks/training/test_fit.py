from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tasks.errors import TrainingError
from tasks.metrics import macro_f1
from tasks.tables import HISTORY
from tasks.training.data import Crops
from tasks.training.fit import Course, fit, split, train_batch
from tasks.training.loss import Loss
from tasks.training.model import Classifier, Targets
from tasks.training.sampling import training_order
from tasks.training.score import Scored, score
from tasks.training.settings import (
    AugmentSettings,
    LossSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from tasks.training.state import new_state
from tests.tasks.training.conftest import CPU, Lab

Weights = dict[str, Tensor]
STEM = "backbone.conv1.0.weight"


def weights(lab: Lab, settings: TrainingSettings) -> Weights:
    return {name: value.clone() for name, value in lab.fit(settings).classifier.state_dict().items()}


def equal(one: Weights, other: Weights) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_colours_are_learnt(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"epochs": 12})
    state = new_state(settings, (32, 32), CPU)
    lab.fit(settings, state)
    result = lab.score(settings, state, lab.rows.held_out)
    assert macro_f1(result.classes, result.probabilities.argmax(axis=1)) > 0.8


def test_same_seed_gives_the_same_numbers_to_the_bit(lab: Lab, tiny: TrainingSettings) -> None:
    tiny = tiny.model_copy(update={"epochs": 2})
    first, again = lab.fit(tiny), lab.fit(tiny)
    assert first.history.equals(again.history)
    assert equal(first.classifier.state_dict(), again.classifier.state_dict())
    assert not equal(first.classifier.state_dict(), weights(lab, tiny.model_copy(update={"seed": 2})))


@pytest.fixture(scope="module")
def plain(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, tmp_path_factory: pytest.TempPathFactory
) -> Weights:
    """What two epochs without any special means make of the weights."""
    lab = Lab(crops, photos, tmp_path_factory.mktemp("plain"))
    return weights(lab, tiny.model_copy(update={"epochs": 2}))


@pytest.mark.parametrize(
    "change",
    [
        {"augment": AugmentSettings(flip=0, mixup=1.0)},
        {"augment": AugmentSettings(flip=0, half_cutmix=1.0)},
        {"optimiser": OptimiserSettings(learning_rate=5e-3, clip=0.01)},
        {"sampling": "balanced"},
        {"ema": 0.9},
        {"average": 2},
        {"loss": LossSettings(gamma=2.0, age=1.0)},
        {"loss": LossSettings(name="f1")},
        {"heads": "arcface"},
        {"schedule": ScheduleSettings(name="cosine", warmup=1)},
        {"dropout": 0.2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_means_changes_what_is_learnt(
    lab: Lab, tiny: TrainingSettings, plain: Weights, change: dict[str, object]
) -> None:
    changed = weights(lab, tiny.model_copy(update={**change, "epochs": 2}))
    assert not torch.equal(plain[STEM], changed[STEM])
    assert all(value.isfinite().all() for value in changed.values())


def test_history_has_a_row_an_epoch_with_the_rate_of_that_epoch(lab: Lab, tiny: TrainingSettings) -> None:
    schedule = ScheduleSettings(milestones=(1,), factor=0.1)
    history = HISTORY.conform(lab.fit(tiny.model_copy(update={"schedule": schedule})).history)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["learning_rate"].tolist() == pytest.approx([5e-3, 5e-4, 5e-4])
    assert history["kept"].sum() == 1


def test_every_row_of_the_history_is_drawn_as_soon_as_its_epoch_has_ended(lab: Lab, tiny: TrainingSettings) -> None:
    rows: list[dict[str, float]] = []
    state = new_state(tiny, (32, 32), CPU)
    history = fit(lab.course(tiny), state, lab.checkpoints, lambda *_: None, rows.append).history
    assert pd.DataFrame(rows).equals(history.drop(columns="kept"))


def test_training_loss_of_an_epoch_is_the_mean_over_its_photos(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"epochs": 1, "batch_size": 20})
    course, heard = lab.course(settings), []

    def listen(classifier: Classifier, logits: Tensor, targets: Targets) -> Tensor:
        loss = course.loss(classifier, logits, targets)
        if classifier.training:
            heard.append((len(logits), loss.item()))
        return loss

    history = lab.fit(settings, course=replace(course, loss=listen)).history  # type: ignore[arg-type]
    sizes, losses = zip(*heard, strict=True)
    assert sizes == (20, 20, 8)
    assert history["train_loss"].item() == pytest.approx(np.average(losses, weights=sizes))


@pytest.mark.parametrize(
    ("keep", "average", "kept"), [("best", 1, [2]), ("last", 1, [4]), ("best", 2, [2, 4]), ("last", 3, [2, 3, 4])]
)
def test_kept_weights_are_the_mean_of_those_of_the_asked_epochs(
    lab: Lab, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch, keep: str, average: int, kept: list[int]
) -> None:
    losses, heads = iter([0.9, 0.4, 0.6, 0.5]), []
    state = new_state(tiny, (32, 32), CPU)

    def fake(*args: object, **options: object) -> Scored:
        heads.append(state.scored.heads.weight.detach().clone())
        return replace(score(*args, **options), loss=next(losses))  # type: ignore[arg-type]

    monkeypatch.setattr("tasks.training.fit.score", fake)
    settings = tiny.model_copy(update={"epochs": 4, "keep": keep, "average": average})
    result = lab.fit(settings, state)
    assert result.history.query("kept")["epoch"].tolist() == kept
    expected = torch.stack([heads[epoch - 1] for epoch in kept]).mean(dim=0)
    assert torch.allclose(result.classifier.heads.weight, expected, atol=1e-7)


def test_running_mean_is_what_is_scored(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"ema": 0.99, "keep": "last"})
    state = new_state(settings, (32, 32), CPU)
    result = lab.fit(settings, state)
    assert result.classifier is state.scored is not state.classifier
    assert not torch.equal(result.classifier.heads.weight, state.classifier.heads.weight)
    told = result.history["valid_loss"].iloc[-1]
    assert lab.score(settings, state, lab.rows.held_out).loss == pytest.approx(told, rel=1e-5)
    assert lab.score(settings, replace(state, running_mean=None), lab.rows.held_out).loss != pytest.approx(
        told, rel=1e-3
    )


def test_frozen_stages_are_trained_once_they_thaw(lab: Lab, tiny: TrainingSettings) -> None:
    start = new_state(tiny, (32, 32), CPU).classifier.state_dict()[STEM].clone()
    settings = tiny.model_copy(update={"frozen": 2, "keep": "last"})
    for thaw_after, epochs, same in ((0, 2, True), (1, 1, True), (1, 2, False)):
        found = weights(lab, settings.model_copy(update={"thaw_after": thaw_after, "epochs": epochs}))
        assert torch.equal(found[STEM], start) is same


def gradients(course: Course, settings: TrainingSettings) -> Weights:
    """The gradients by which a step on the first batch moves the weights."""
    state = new_state(settings, (32, 32), CPU)
    batch = next(course.feed.batches(np.arange(8), 1))
    train_batch(course, state, batch, np.random.default_rng(1))
    return {name: weight.grad for name, weight in state.classifier.named_parameters() if weight.grad is not None}


def test_gradient_of_a_batch_in_parts_is_that_of_the_whole(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"backbone": "test_convnext.r160_in1k"})
    whole, parts = (gradients(lab.course(settings, number), settings) for number in (1, 4))
    for name, gradient in whole.items():
        assert torch.allclose(gradient, parts[name], atol=1e-6), name


@pytest.mark.parametrize(
    ("photos", "parts", "sizes"), [(8, 1, [8]), (8, 3, [2, 3, 3]), (5, 4, [2, 3]), (2, 4, [2]), (3, 2, [3])]
)
def test_parts_of_a_batch_are_even_and_never_of_one_photo(photos: int, parts: int, sizes: list[int]) -> None:
    slices = list(split(photos, parts))
    assert [part.stop - part.start for part in slices] == sizes
    assert [row for part in slices for row in range(photos)[part]] == list(range(photos))


def test_gradient_is_shortened_to_the_largest_norm(lab: Lab, tiny: TrainingSettings) -> None:
    clipped = tiny.model_copy(update={"optimiser": OptimiserSettings(clip=0.05)})
    for settings, longer in ((tiny, True), (clipped, False)):
        norm = torch.stack([g.norm() for g in gradients(lab.course(settings), settings).values()]).norm()
        assert bool(norm > 0.05 + 1e-4) is longer


class Torn(Loss):
    """A loss that is no number from its `count`-th call on."""

    def __init__(self, loss: Loss, count: int) -> None:
        self._loss, self._left = loss, count

    def __call__(self, *args: object) -> Tensor:
        self._left -= 1
        return self._loss(*args) * (float("nan") if self._left < 1 else 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [1, 3, 6])
def test_loss_that_is_no_number_stops_training_and_names_the_photos(
    lab: Lab, tiny: TrainingSettings, call: int
) -> None:
    course = lab.course(tiny)
    torn = replace(course, loss=Torn(course.loss, call))
    with pytest.raises(TrainingError, match=r"loss is nan in epoch 1, on a batch of 8 photos") as raised:
        lab.fit(tiny, course=torn)
    order = training_order(lab.rows.training, course.feed.classes[:48].numpy(), tiny, 1)
    photos = [course.feed.photos[row] for row in order[8 * (call - 1) : 8 * call]]
    assert str(raised.value).endswith(f"look at these photos: {', '.join(photos)}.")


def test_held_out_loss_that_is_no_number_stops_training(lab: Lab, tiny: TrainingSettings) -> None:
    course = lab.course(tiny)
    with pytest.raises(TrainingError, match="own 24 photos is nan after epoch 1"):
        lab.fit(tiny, course=replace(course, loss=Torn(course.loss, 7)))


def test_speed_and_waiting_are_told(lab: Lab, tiny: TrainingSettings) -> None:
    result = lab.fit(tiny)
    assert result.speed > 0
    assert 0 < result.waited < 1
