import pandas as pd

from expectations.class_rules import ExpectNoRareClass, ExpectPhotosInEveryClass
from expectations.label_rules import (
    ExpectAgeGroupOfAge,
    ExpectClassOfAttributes,
    ExpectFolderOfLabels,
    ExpectOneValuePerPerson,
    ExpectSevenPhotosPerPerson,
)
from expectations.rule import Rule

FOLDERS = ExpectFolderOfLabels(column="person")


def found(rule: Rule, **columns: list[object]) -> tuple[int, dict[str, str]]:
    checked, offenders = rule.judge(pd.DataFrame(columns))
    assert offenders.index.is_unique
    return checked, {str(key): words for key, words in offenders.items()}


def test_values_of_a_person_who_has_several_are_listed() -> None:
    rule = ExpectOneValuePerPerson(column="age")
    assert found(rule, person=["a", "a", "a", "b"], age=[20, 20, 30, 20]) == (2, {"a": "20, 30"})


def test_missing_value_is_no_second_value() -> None:
    assert found(ExpectOneValuePerPerson(column="gender"), person=["a", "a"], gender=["male", None]) == (1, {})


def test_photos_of_a_person_are_counted_by_state() -> None:
    states = ["mask"] * 5 + ["normal"]
    assert found(ExpectSevenPhotosPerPerson(column="person"), person=["a"] * 6, state=states) == (
        1,
        {"a": "5 mask, 0 incorrect, 1 normal"},
    )


def test_age_group_follows_from_the_age() -> None:
    rule = ExpectAgeGroupOfAge(column="age_group")
    assert found(rule, photo=["a", "b"], age=[30, 60], age_group=["<30", ">=60"]) == (
        2,
        {"a": "age_group should be 30-59"},
    )


def test_class_follows_from_the_attributes_where_they_are_known() -> None:
    rule = ExpectClassOfAttributes(column="class")
    columns = {
        "photo": ["a", "b", "c"],
        "state": ["normal", "normal", "none of them"],
        "gender": ["female"] * 3,
        "age_group": [">=60"] * 3,
        "class": [17, 5, 5],
    }
    assert found(rule, **columns) == (3, {"b": "class should be 17"})


def test_folder_agrees_with_an_id_that_has_a_suffix() -> None:
    assert found(FOLDERS, person=["000123-2_male_Asian_20"], group=["000123"], gender=["male"], age=[20]) == (1, {})


def test_hyphen_of_another_id_is_no_suffix() -> None:
    columns = {"gender": ["male"], "age": [20]}
    assert found(FOLDERS, person=["s2-000_male_Asian_20"], group=["s2-000"], **columns) == (1, {})
    assert found(FOLDERS, person=["s2-000_male_Asian_20"], group=["s2"], **columns) == (
        1,
        {"s2-000_male_Asian_20": "person should be s2_male_Asian_20"},
    )


def test_folder_that_disagrees_is_told_the_right_name() -> None:
    assert found(FOLDERS, person=["000123-2_male_Asian_20"], group=["000123"], gender=["female"], age=[21]) == (
        1,
        {"000123-2_male_Asian_20": "person should be 000123-2_female_Asian_21"},
    )


def test_person_with_several_wrong_labels_counts_once() -> None:
    checked, wrong = found(FOLDERS, person=["1_male_Asian_20"] * 2, group=["1"] * 2, gender=["male"] * 2, age=[21, 22])
    assert (checked, wrong) == (1, {"1_male_Asian_20": "person should be 1_male_Asian_21"})


def test_folder_of_another_id_is_told_the_right_one() -> None:
    assert found(FOLDERS, person=["000124_male_Asian_20"], group=["000123"], gender=["male"], age=[20]) == (
        1,
        {"000124_male_Asian_20": "person should be 000123_male_Asian_20"},
    )


def test_folder_of_another_form_is_told_the_form() -> None:
    assert found(FOLDERS, person=["anna"], group=["1"], gender=["female"], age=[21]) == (
        1,
        {"anna": "person should be {id}_{gender}_{race}_{age}"},
    )


def test_class_without_a_photo_is_too_small() -> None:
    checked, short = found(ExpectPhotosInEveryClass(column="class", min_photos=1), **{"class": list(range(17))})
    assert (checked, short) == (18, {"normal female >=60": "0 photos"})


def test_class_is_rare_if_its_share_of_the_commonest_is_too_small() -> None:
    classes = [0] * 10 + list(range(1, 18)) + [17]
    checked, rare = found(ExpectNoRareClass(column="class", min_ratio=0.2), **{"class": classes})
    assert (checked, len(rare)) == (18, 16)
    assert rare["mask male 30-59"] == "1 photos against 10"
