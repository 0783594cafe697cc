"""The 18 classes: mask state x gender x age group, and the one formula that ties them together.

Source of the encoding: the competition's label definition, ``class = mask * 6 + gender * 3 + age group``.
"""

from typing import Final

STATES: Final = ("mask", "incorrect", "normal")
"""How a mask is worn, in class order: on, on but wrongly, not at all."""
GENDERS: Final = ("male", "female")
AGE_GROUPS: Final = ("<30", "30-59", ">=60")
AGE_BOUNDS: Final = (30, 60)
"""First age, in years, of the second and of the third age group."""
CLASS_COUNT: Final = len(STATES) * len(GENDERS) * len(AGE_GROUPS)
ATTRIBUTES: Final = {"mask": STATES, "gender": GENDERS, "age": AGE_GROUPS}
"""The three attributes that make a class, most significant first, with their values in class order."""

STATE_OF_FILE: Final = {
    **{f"mask{number}": "mask" for number in range(1, 6)},
    "incorrect_mask": "incorrect",
    "normal": "normal",
}
"""State of a training photo by its file name without extension: the seven photos of a person."""


def age_group(age: int) -> str:
    """Age group of an age in whole years."""
    return AGE_GROUPS[sum(age >= bound for bound in AGE_BOUNDS)]


def encode_class(state: str, gender: str, group: str) -> int:
    """Class 0..17 of a state, a gender and an age group. Raises ValueError for a word that is none of them."""
    mask, sex, age = STATES.index(state), GENDERS.index(gender), AGE_GROUPS.index(group)
    return (mask * len(GENDERS) + sex) * len(AGE_GROUPS) + age


def decode_class(number: int) -> tuple[int, int, int]:
    """Indices into STATES, GENDERS and AGE_GROUPS of a class 0..17."""
    rest, age = divmod(number, len(AGE_GROUPS))
    mask, sex = divmod(rest, len(GENDERS))
    return mask, sex, age


def class_name(number: int) -> str:
    """A class in words, such as ``mask female 30-59``."""
    mask, sex, age = decode_class(number)
    return f"{STATES[mask]} {GENDERS[sex]} {AGE_GROUPS[age]}"
