import numpy as np
import pytest

from tasks.training.sampling import training_order
from tasks.training.settings import TrainingSettings

ALL = TrainingSettings(batch_size=8)
BALANCED = ALL.model_copy(update={"sampling": "balanced"})


def test_epoch_sees_every_photo_once_in_an_order_of_its_own() -> None:
    rows = np.arange(100, 140)
    orders = [training_order(rows, np.zeros(40, int), ALL, epoch) for epoch in (1, 1, 2)]
    assert all(sorted(order) == rows.tolist() for order in orders)
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


@pytest.mark.parametrize("settings", [ALL, BALANCED], ids=["all", "balanced"])
def test_lone_last_photo_is_left_out(settings: TrainingSettings) -> None:
    rows = np.arange(17)
    assert len(training_order(rows, rows % 3, settings, 1)) == 16


def test_balanced_epoch_sees_every_class_alike() -> None:
    classes = np.repeat([0, 4, 17], [900, 90, 10])
    order = training_order(np.arange(1000), classes, BALANCED, 1)
    assert len(order) == 1000
    assert np.bincount(classes[order])[[0, 4, 17]] == pytest.approx([333, 333, 333], abs=60)
    assert np.array_equal(order, training_order(np.arange(1000), classes, BALANCED, 1))
