from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.metrics import macro_f1
from tasks.training.data import SCORING, UNKNOWN, Crops
from tasks.training.model import class_probabilities
from tasks.training.score import normalised, prepare_targets
from tasks.training.settings import AugmentSettings, TrainingSettings
from tasks.training.state import new_state
from tests.tasks.training.conftest import CPU, Lab, small_memory

ALL = np.arange(72)


def test_pixels_are_normalised_with_the_asked_mean_and_deviation(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)})
    batch = next(lab.course(settings).feed.batches(ALL[:8]))
    pixels = normalised(batch, new_state(settings, (32, 32), CPU).classifier, settings)
    for channel, (mean, std) in enumerate(zip(settings.mean, settings.std, strict=True)):
        expected = (batch.pixels[:, channel] / 255 - mean) / std
        assert torch.allclose(pixels[:, channel], expected, atol=1e-5)


def test_photos_are_scored_in_order_and_the_loss_is_that_of_all_together(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"batch_size": 5})
    state, rows = new_state(settings, (32, 32), CPU), np.arange(71, 48, -1)
    state.classifier.train()  # as it is after an epoch
    course, result = lab.course(settings), lab.score(settings, state, rows)
    assert result.photos == [f"{row:02}.jpg" for row in rows]
    assert result.classes.tolist() == course.feed.classes[rows].tolist()
    assert result.probabilities.shape == (23, 18)
    assert result.probabilities.sum(axis=1) == pytest.approx(1)
    (whole,) = lab.course(settings.model_copy(update={"batch_size": 23})).feed.batches(rows)
    pixels = normalised(whole, state.classifier, settings)
    targets = prepare_targets(whole.classes, whole.ages, state.classifier)
    expected = course.loss(state.classifier, state.classifier(pixels), targets)
    assert result.loss == pytest.approx(expected.item(), rel=1e-5)


def test_photos_that_do_not_fit_into_memory_at_once_are_scored_in_halves(
    lab: Lab, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = new_state(tiny, (32, 32), CPU)
    expected = lab.score(tiny, state, ALL[:21])
    small_memory(monkeypatch, 3)
    found = lab.score(tiny, state, ALL[:21])
    assert found.photos == expected.photos
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    small_memory(monkeypatch, 0)
    with pytest.raises(torch.OutOfMemoryError):
        lab.score(tiny, state, ALL[:21])


def test_figures_are_those_of_the_likeliest_classes(lab: Lab, tiny: TrainingSettings) -> None:
    result = lab.score(tiny, new_state(tiny, (32, 32), CPU), ALL)
    figures, predicted = result.figures(), result.probabilities.argmax(axis=1)
    assert figures["macro_f1"] == macro_f1(result.classes, predicted)
    assert figures["accuracy_age"] == pytest.approx((predicted % 3 == result.classes % 3).mean())
    assert figures["valid_loss"] == result.loss


def test_network_that_sees_squares_scores_the_middle_of_the_crop(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"augment": AugmentSettings(flip=0, random_crop=24)})
    state, feed = new_state(settings, (32, 32), CPU), lab.course(settings).feed
    looks = [next(feed.batches(ALL[:8], epoch)).pixels for epoch in (SCORING, 1)]
    assert [look.shape for look in looks] == [(8, 3, 24, 24)] * 2
    whole = next(lab.course(tiny).feed.batches(ALL[:8])).pixels
    assert torch.equal(looks[0], whole[..., 4:28, 4:28])
    assert np.isfinite(lab.score(settings, state, ALL).loss)


def test_hidden_classes_and_ages_change_nothing(
    lab: Lab, crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, tmp_path: Path
) -> None:
    hidden = photos.astype({"class": "Int8"})
    hidden.loc[48:, ["class", "age"]] = pd.NA
    state, rows = new_state(tiny, (32, 32), CPU), ALL[48:]
    known, unknown = (one.score(tiny, state, rows) for one in (lab, Lab(crops, hidden, tmp_path)))
    assert np.array_equal(known.probabilities, unknown.probabilities)
    assert set(unknown.classes) == {UNKNOWN}


def test_mirrored_scores_are_the_mean_of_a_photo_and_its_mirror_image(lab: Lab, tiny: TrainingSettings) -> None:
    state = new_state(tiny, (32, 32), CPU)
    lab.fit(tiny.model_copy(update={"epochs": 1}), state)
    both = lab.score(tiny.model_copy(update={"mirror": True}), state, ALL)
    one = lab.score(tiny, state, ALL)
    other = []
    for batch in lab.course(tiny).feed.batches(ALL):
        pixels = normalised(batch, state.classifier, tiny)
        other.append(class_probabilities(state.classifier, state.classifier(pixels.flip(3))))
    assert np.abs(one.probabilities - both.probabilities).max() > 1e-4
    expected = (one.probabilities + torch.cat(other).detach().numpy()) / 2
    assert both.probabilities == pytest.approx(expected, abs=1e-6)
