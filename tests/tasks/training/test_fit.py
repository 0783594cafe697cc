import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from tasks.errors import TrainingError
from tasks.metrics import macro_f1
from tasks.tables import HISTORY
from tasks.training import fit as fit_module
from tasks.training.data import Batch, Batches
from tasks.training.fit import Fit, Scored, fit, score
from tasks.training.settings import TrainingSettings

CPU = torch.device("cpu")


def fitted(training: Batches, held_out: Batches, settings: TrainingSettings) -> Fit:
    return fit(training, held_out, settings, CPU, "Fold 0")


def scored(fit: Fit, batches: Batches, settings: TrainingSettings) -> Scored:
    return score(fit.classifier, batches, settings, lambda _: None)


def test_colours_are_learnt(training: Batches, held_out: Batches, tiny: TrainingSettings) -> None:
    result = scored(fitted(training, held_out, tiny.model_copy(update={"epochs": 25})), held_out, tiny)
    assert macro_f1(result.classes, result.probabilities.argmax(axis=1)) > 0.8
    assert result.photos == [f"{number:02}.jpg" for number in range(72)]
    assert result.probabilities.sum(axis=1) == pytest.approx(1)


def test_same_seed_gives_the_same_numbers_to_the_bit(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    first, again = fitted(training, held_out, tiny), fitted(training, held_out, tiny)
    other = fitted(training, held_out, tiny.model_copy(update={"seed": 2}))
    assert first.history.equals(again.history)
    weights, same, different = (result.classifier.state_dict() for result in (first, again, other))
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert not torch.equal(weights["heads.weight"], different["heads.weight"])


def test_mixup_changes_what_is_learnt_but_not_what_is_scored(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    plain = fitted(training, held_out, tiny)
    mixed = fitted(training, held_out, tiny.model_copy(update={"mixup": 1.0}))
    assert mixed.history["train_loss"].iloc[-1] > plain.history["train_loss"].iloc[-1]
    losses = [scored(mixed, held_out, tiny).loss for _ in range(2)]
    assert losses[0] == losses[1] == pytest.approx(mixed.history.query("kept")["valid_loss"].item())


def test_mirrored_scores_are_the_mean_of_a_photo_and_its_mirror_image(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    fit = fitted(training, held_out, tiny)
    both = scored(fit, held_out, tiny.model_copy(update={"mirror": True}))
    one = scored(fit, held_out, tiny)
    other = scored(fit, Mirrored(held_out.dataset, 8, 1, shuffle=False), tiny)
    assert np.abs(one.probabilities - other.probabilities).max() > 1e-4
    assert both.probabilities == pytest.approx((one.probabilities + other.probabilities) / 2, abs=1e-6)
    assert both.loss == pytest.approx((one.loss + other.loss) / 2, abs=1e-6)


class Mirrored(Batches):
    """Batches of mirror images."""

    def epoch(self, number: int) -> Iterator[Batch]:
        for batch in super().epoch(number):
            yield replace(batch, pixels=batch.pixels.flip(3))


def test_history_has_a_row_an_epoch_with_the_rate_of_that_epoch(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    settings = tiny.model_copy(update={"milestones": (1,), "decay_factor": 0.1})
    history = HISTORY.conform(fitted(training, held_out, settings).history)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["learning_rate"].tolist() == pytest.approx([5e-3, 5e-4, 5e-4])
    assert history["kept"].sum() == 1


@pytest.mark.parametrize(("keep", "kept"), [("best", 2), ("last", 4)])
def test_kept_weights_are_those_of_the_asked_epoch(
    training: Batches,
    held_out: Batches,
    tiny: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
    keep: str,
    kept: int,
) -> None:
    losses = iter([0.9, 0.4, 0.6, 0.5])
    heads: list[torch.Tensor] = []

    def score_badly(classifier: torch.nn.Module, *_: object) -> Scored:
        heads.append(classifier.state_dict()["heads.weight"].clone())
        return Scored(["a"], np.array([0]), np.eye(18)[:1], next(losses))

    monkeypatch.setattr(fit_module, "score", score_badly)
    result = fitted(training, held_out, tiny.model_copy(update={"epochs": 4, "keep": keep}))
    assert result.history.query("kept")["epoch"].tolist() == [kept]
    assert torch.equal(result.classifier.state_dict()["heads.weight"], heads[kept - 1])
    assert not result.classifier.training


class Torn(Batches):
    """Batches whose second one holds a pixel that is no number."""

    def epoch(self, number: int) -> Iterator[Batch]:
        for place, batch in enumerate(super().epoch(number)):
            if place == 1:
                batch.pixels[0] = float("nan")
            yield batch


def test_training_loss_that_is_no_number_names_the_photos_of_its_batch(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    torn = Torn(training.dataset, 8, 1, shuffle=True)
    batch = next(itertools.islice(training.epoch(1), 1, 2))
    with pytest.raises(TrainingError, match="The loss is nan in epoch 1, on a batch of 8 photos") as raised:
        fitted(torn, held_out, tiny)
    assert all(photo in str(raised.value) for photo in batch.photos)


def test_held_out_loss_that_is_no_number_stops_training(
    training: Batches, held_out: Batches, tiny: TrainingSettings
) -> None:
    with pytest.raises(TrainingError, match="own 72 photos is nan after epoch 1"):
        fitted(training, Torn(held_out.dataset, 8, 1, shuffle=False), tiny)
