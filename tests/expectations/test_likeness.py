from itertools import combinations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.likeness import HASH_BITS, MOST, like_pairs, same_pairs

HASHES = st.integers(0, 2**HASH_BITS - 1)
MUTATIONS = st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, HASH_BITS - 1), max_size=8)), max_size=12)


def as_texts(hashes: list[int]) -> "pd.Series[str]":
    return pd.Series([f"{value:064x}" for value in hashes], dtype="str")


def found(hashes: list[int], most_bits: int) -> list[tuple[int, int]]:
    return [(int(first), int(second)) for first, second in like_pairs(as_texts(hashes), most_bits)]


def compared(hashes: list[int], most_bits: int) -> list[tuple[int, int]]:
    """The pairs that comparing all with all finds; of photos with the same hash the first stands for all."""
    first = [hashes.index(value) for value in hashes]
    like = {
        (first[left], first[right])
        for left, right in combinations(range(len(hashes)), 2)
        if 0 < (hashes[left] ^ hashes[right]).bit_count() <= most_bits
    }
    same = {(first[number], number) for number in range(len(hashes)) if first[number] != number}
    return sorted(same | {(min(pair), max(pair)) for pair in like})


@given(st.lists(HASHES, min_size=3, max_size=3), MUTATIONS, st.integers(0, 24))
@settings(max_examples=200, deadline=None)
def test_pairs_are_those_that_comparing_all_with_all_finds(
    bases: list[int], mutations: list[tuple[int, set[int]]], most_bits: int
) -> None:
    hashes = [*bases, *(bases[base] ^ sum(1 << bit for bit in bits) for base, bits in mutations)]
    assert found(hashes, most_bits) == compared(hashes, most_bits)


@given(HASHES, st.permutations(range(HASH_BITS)), st.integers(0, 24))
@settings(max_examples=100, deadline=None)
def test_hashes_are_like_up_to_the_last_bit_that_may_differ(value: int, bits: list[int], most_bits: int) -> None:
    near, far = (value ^ sum(1 << bit for bit in bits[:count]) for count in (most_bits, most_bits + 1))
    assert ((0, 1) in found([value, near], most_bits), found([value, far], most_bits)) == (True, [])


def test_photos_with_one_hash_are_paired_with_the_first_of_them_only() -> None:
    assert found([7, 2**255, 7, 7, 2**255], 0) == [(0, 2), (0, 3), (1, 4)]
    assert len(found([0] * 1000, 10)) == 999


def test_photos_like_one_that_is_there_twice_are_paired_with_its_first() -> None:
    assert found([0, 0, 1], 1) == [(0, 1), (0, 2)]


def test_photos_that_are_all_like_each_other_have_so_many_pairs_that_each_is_in_one() -> None:
    blank = [1 << first | 1 << second for first, second in combinations(range(64), 2)]
    pairs = like_pairs(as_texts(blank), 10)
    assert set(pairs.ravel().tolist()) == set(range(len(blank)))
    assert len(pairs) < len(blank) * MOST * 11


def test_photos_without_a_hash_or_a_value_are_like_none() -> None:
    hashes = pd.Series([None, f"{1:064x}", None, f"{1:064x}", f"{3:064x}"], dtype="str")
    assert same_pairs(hashes).tolist() == [[1, 3]]
    assert like_pairs(hashes, 1).tolist() == [[1, 3], [1, 4]]


def test_no_photos_have_no_pairs() -> None:
    assert found([], 10) == []
    assert len(same_pairs(pd.Series([], dtype="str"))) == 0


def test_photos_with_the_same_value_are_paired_with_the_first_of_them() -> None:
    assert same_pairs(pd.Series(["a", "b", "a", "c", "b", "a"])).tolist() == [[0, 2], [1, 4], [0, 5]]
