from expectations.label_rules import (
    ExpectAgeGroupOfAge,
    ExpectClassOfAttributes,
    ExpectFolderOfLabels,
    ExpectOnePersonPerId,
    ExpectOneValuePerPerson,
    ExpectSevenPhotosPerPerson,
)
from tests.expectations.judging import found


def found_in_folder(person: str, group: str, gender: str = "male", age: int = 20) -> dict[str, str]:
    checked, wrong = found(
        ExpectFolderOfLabels(column="person"),
        person=[person],
        group=[group],
        given_gender=[gender],
        race=["Asian"],
        given_age=[age],
    )
    assert checked == 1
    return wrong


def test_values_of_a_person_who_has_several_are_listed() -> None:
    rule = ExpectOneValuePerPerson(column="age")
    assert found(rule, person=["a", "a", "a", "b"], age=[20, 20, 30, 20]) == (2, {"a": "20, 30"})


def test_missing_value_is_no_second_value() -> None:
    assert found(ExpectOneValuePerPerson(column="gender"), person=["a", "a"], gender=["male", None]) == (1, {})


def test_persons_of_an_id_that_has_several_are_listed() -> None:
    rule = ExpectOnePersonPerId(column="group")
    assert found(rule, group=["1", "1", "1", "2", None], person=["a", "a", "b", "c", "d"]) == (2, {"1": "a, b"})


def test_photos_of_a_person_are_counted_by_the_state_in_their_names() -> None:
    rule = ExpectSevenPhotosPerPerson(column="person")
    assert found(rule, person=["a"] * 6, given_state=["mask"] * 5 + ["normal"]) == (
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
    assert found_in_folder("000123-2_male_Asian_20", "000123") == {}


def test_hyphen_of_another_id_is_no_suffix() -> None:
    assert found_in_folder("s2-000_male_Asian_20", "s2-000") == {}
    assert found_in_folder("s2-000_male_Asian_20", "s2") == {
        "s2-000_male_Asian_20": "person should be s2_male_Asian_20"
    }


def test_folder_that_disagrees_is_told_the_right_name() -> None:
    assert found_in_folder("000123-2_male_Asian_20", "000123", "female", 21) == {
        "000123-2_male_Asian_20": "person should be 000123-2_female_Asian_21"
    }


def test_folder_of_another_race_is_told_the_right_name() -> None:
    assert found_in_folder("1_male_Caucasian_20", "1") == {"1_male_Caucasian_20": "person should be 1_male_Asian_20"}


def test_folder_of_another_id_is_told_the_right_one() -> None:
    assert found_in_folder("000124_male_Asian_20", "000123") == {
        "000124_male_Asian_20": "person should be 000123_male_Asian_20"
    }


def test_folder_of_another_form_is_told_the_form() -> None:
    assert found_in_folder("anna", "1") == {"anna": "person should be {id}_{gender}_{race}_{age}"}


def test_person_with_several_wrong_labels_counts_once() -> None:
    columns = {"group": ["1"] * 2, "given_gender": ["male"] * 2, "race": ["Asian"] * 2, "given_age": [21, 22]}
    assert found(ExpectFolderOfLabels(column="person"), person=["1_male_Asian_20"] * 2, **columns) == (
        1,
        {"1_male_Asian_20": "person should be 1_male_Asian_21"},
    )
