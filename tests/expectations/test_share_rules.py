import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from expectations.share_rules import SMOOTHING, ExpectSharesLike, divergence, shares_of
from tests.expectations.judging import found

COUNTS = st.lists(st.integers(0, 1000), min_size=5, max_size=5).filter(any)


def shares(counts: list[int]) -> dict[str, float]:
    """Shares by value; a value that does not occur has none."""
    return {str(value): count / sum(counts) for value, count in enumerate(counts) if count}


@given(COUNTS)
def test_shares_do_not_diverge_from_themselves(counts: list[int]) -> None:
    assert divergence(shares(counts), shares(counts)) == 0


@given(COUNTS, COUNTS)
def test_divergence_is_scipys_of_the_smoothed_shares(new: list[int], reference: list[int]) -> None:
    values = shares(new).keys() | shares(reference).keys()
    smoothed = [[of.get(value, 0) + SMOOTHING for value in values] for of in (shares(new), shares(reference))]
    assert divergence(shares(new), shares(reference)) == pytest.approx(entropy(*smoothed), abs=1e-12)


def test_half_against_two_thirds_diverges_by_a_twentieth() -> None:
    assert divergence({"a": 0.5, "b": 0.5}, {"a": 0.66, "b": 0.34}) == pytest.approx(0.05, abs=0.005)


def test_shares_of_persons_count_each_once_and_of_photos_all() -> None:
    rows = pd.DataFrame({"person": ["a", "a", "b"], "gender": ["male", "male", "female"]})
    assert shares_of(rows, "gender", "persons") == {"male": 0.5, "female": 0.5}
    assert shares_of(rows, "gender", "photos") == pytest.approx({"male": 2 / 3, "female": 1 / 3})


def test_shares_beside_earlier_data_are_those_of_the_new() -> None:
    rows = pd.DataFrame({"data": ["new", "reference"], "mask": ["normal", "mask"]})
    assert shares_of(rows, "mask", "photos") == {"normal": 1.0}


def test_missing_values_have_no_share() -> None:
    assert shares_of(pd.DataFrame({"mask": ["normal", None]}), "mask", "photos") == {"normal": 1.0}


def test_values_are_told_the_farthest_off_first_and_those_that_hardly_differ_not_at_all() -> None:
    rule = ExpectSharesLike(
        column="state", reference={"mask": 0.8, "incorrect": 0.1, "normal": 0.1}, most=0.1, counted="photos"
    )
    assert found(rule, state=["mask"] * 5 + ["normal"] * 4 + ["incorrect"]) == (
        3,
        {"mask": "50.0% instead of 80.0%", "normal": "40.0% instead of 10.0%"},
    )


def test_shares_within_the_divergence_are_met_whatever_each_value_does() -> None:
    rule = ExpectSharesLike(column="gender", reference={"male": 0.5, "female": 0.5}, most=0.05, counted="photos")
    assert found(rule, gender=["male"] * 6 + ["female"] * 4) == (2, {})


def test_value_that_is_new_is_told_and_classes_by_their_names() -> None:
    rule = ExpectSharesLike(column="class", reference={"0": 1.0}, most=0.1, counted="photos")
    assert found(rule, **{"class": [0, 17]}) == (
        2,
        {"mask male <30": "50.0% instead of 100.0%", "normal female >=60": "50.0% instead of 0.0%"},
    )


def test_value_is_told_even_if_no_share_differs_by_a_hundredth() -> None:
    rule = ExpectSharesLike(column="gender", reference={"male": 0.5, "female": 0.5}, most=0, counted="photos")
    assert found(rule, gender=["male"] * 501 + ["female"] * 499)[1] == {"female": "49.9% instead of 50.0%"}
