import pytest

from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES, age_group, class_name, decode_class, encode_class


def test_class_is_mask_times_six_plus_gender_times_three_plus_age() -> None:
    assert encode_class("mask", "male", "<30") == 0
    assert encode_class("incorrect", "female", "30-59") == 6 + 3 + 1
    assert encode_class("normal", "female", ">=60") == 17


@pytest.mark.parametrize("number", range(CLASS_COUNT))
def test_decoding_undoes_encoding(number: int) -> None:
    mask, gender, age = decode_class(number)
    assert encode_class(STATES[mask], GENDERS[gender], AGE_GROUPS[age]) == number


@pytest.mark.parametrize(("age", "group"), [(18, "<30"), (29, "<30"), (30, "30-59"), (59, "30-59"), (60, ">=60")])
def test_age_group_starts_at_its_bound(age: int, group: str) -> None:
    assert age_group(age) == group


def test_word_that_is_no_attribute_value_has_no_class() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        encode_class("mask", "Male", "<30")


def test_class_name_says_all_three_attributes() -> None:
    assert class_name(10) == "incorrect female 30-59"
