import numpy as np
import pandas as pd

from tasks.training.ages import relabel_ages
from tasks.training.settings import AgesSettings


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
