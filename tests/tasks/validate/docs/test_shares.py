import pandas as pd

from tasks.validate.docs.shares import Bar, compare_shares

NEW = pd.DataFrame(
    {
        "person": ["a", "a", "b", "c"],
        "class": pd.array([0, 6, 3, pd.NA], "Int8"),
        "state": ["mask", "incorrect", "mask", None],
        "gender": ["male", "male", "female", "female"],
        "age_group": ["<30", "<30", "<30", ">=60"],
    }
)


def test_values_stand_in_the_order_of_the_classes() -> None:
    (plot,) = compare_shares(NEW, {"mask": {"normal": 0.25, "mask": 0.75}})
    assert plot.expectation == "state_shares"
    assert plot.title == "mask states among the photos"
    assert plot.bars == [Bar("mask", 2 / 3, 0.75), Bar("incorrect", 1 / 3, 0.0), Bar("normal", 0.0, 0.25)]
    assert plot.longest == 0.75


def test_classes_have_names() -> None:
    (plot,) = compare_shares(NEW, {"class": {"17": 1.0}})
    assert [bar.name for bar in plot.bars] == [
        "mask male <30",
        "mask female <30",
        "incorrect male <30",
        "normal female >=60",
    ]


def test_person_counts_once() -> None:
    (plot,) = compare_shares(NEW, {"gender": {"male": 0.5, "female": 0.5}})
    assert plot.bars == [Bar("male", 1 / 3, 0.5), Bar("female", 2 / 3, 0.5)]


def test_earlier_photos_in_the_table_do_not_count_as_new() -> None:
    both = pd.concat([NEW.assign(data="new"), NEW.assign(data="reference", gender="female")])
    assert compare_shares(both, {"gender": {"male": 1.0}}) == compare_shares(NEW, {"gender": {"male": 1.0}})


def test_value_that_is_no_word_of_ours_comes_last() -> None:
    (plot,) = compare_shares(NEW, {"gender": {"another": 0.1, "male": 0.9}})
    assert [bar.name for bar in plot.bars] == ["male", "female", "another"]


def test_figures_that_the_reference_lacks_are_not_drawn() -> None:
    assert [plot.expectation for plot in compare_shares(NEW, {"class": {"0": 1.0}, "age_group": {"<30": 1.0}})] == [
        "class_shares",
        "age_group_shares",
    ]
    assert compare_shares(NEW, {}) == []
