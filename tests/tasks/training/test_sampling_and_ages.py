import numpy as np
import pandas as pd
import pytest

from tasks.training.ages import relabel_ages
from tasks.training.sampling import training_order
from tasks.training.settings import AgesSettings, TrainingSettings

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


def people() -> pd.DataFrame:
    ages = [20, 29, 30, 57, 58, 59, 60, 80]
    groups = np.digitize(ages, [30, 60])
    return pd.DataFrame({"photo": [f"{age}.jpg" for age in ages], "age": ages, "class": 9 + groups})


def test_people_near_sixty_count_as_old_if_asked_for() -> None:
    relabelled = relabel_ages(people(), AgesSettings(old_from=58))
    assert relabelled["class"].tolist() == [9, 9, 10, 10, 11, 11, 11, 11]


def test_lines_of_the_data_set_change_nothing() -> None:
    assert relabel_ages(people(), AgesSettings())["class"].tolist() == people()["class"].tolist()


def test_ages_are_left_out_of_training() -> None:
    assert relabel_ages(people(), AgesSettings(leave_out=(57, 58, 59)))["age"].tolist() == [20, 29, 30, 60, 80]
