from expectations.fold_rules import ExpectAlikeFolds, ExpectLookalikesInOneFold, ExpectOneFoldPerGroup
from tests.expectations.judging import found

LOOKALIKES = ExpectLookalikesInOneFold(column="phash", most_bits=1)


def test_folds_of_an_id_that_lies_in_several_are_listed() -> None:
    rule = ExpectOneFoldPerGroup(column="group")
    assert found(rule, group=["1", "1", "1", "2"], fold=[4, 0, 4, 4]) == (2, {"1": "folds 0, 4"})


def test_lookalikes_are_told_if_persons_and_folds_differ() -> None:
    columns: dict[str, list[object]] = {
        "photo": ["a", "b", "c", "d"],
        "phash": [f"{value:064x}" for value in (0, 1, 3, 2**99 - 1)],
    }
    assert found(LOOKALIKES, **columns, group=["1", "1", "2", "3"], fold=[0, 0, 1, 1]) == (4, {"c": "like b"})
    assert found(LOOKALIKES, **columns, group=["1", "1", "2", "3"], fold=[0, 0, 0, 1]) == (4, {})
    assert found(LOOKALIKES, **columns, group=["1", "1", "1", "3"], fold=[0, 1, 1, 1]) == (4, {})


def test_photos_without_a_hash_look_like_none() -> None:
    columns = {"photo": ["a", "b"], "phash": [None] * 2, "group": ["1", "2"]}
    assert found(LOOKALIKES, **columns, fold=[0, 1]) == (0, {})


def test_fold_with_other_class_shares_is_told_the_class_that_is_farthest_off() -> None:
    columns = {"fold": [0] * 4 + [1] * 4, "class": [0, 0, 0, 1, 0, 1, 1, 17]}
    assert found(ExpectAlikeFolds(column="class", most=0.2), **columns) == (
        2,
        {
            "fold 0": "mask male <30 75.0%, distance 0.250",
            "fold 1": "mask male <30 25.0%, distance 0.250",
        },
    )
    assert found(ExpectAlikeFolds(column="class", most=0.25), **columns) == (2, {})
