import pandas as pd
import pytest

from expectations.photo_rules import (
    ExpectAspect,
    ExpectBrightness,
    ExpectContrast,
    ExpectDecodablePhotos,
    ExpectNoCopies,
    ExpectNoLookalikes,
    ExpectOneSize,
    ExpectSharpness,
    ExpectSide,
    Where,
)
from tests.expectations.judging import found

TWINS = {
    "photo": ["a", "b", "c", "d"],
    "split": ["train", "train", "train", "eval"],
    "person": ["1", "1", "2", None],
    "problem": [None] * 4,
}
"""Two photos of a person, one of another, and one to predict."""


def photos(count: int, **columns: list[object]) -> dict[str, list[object]]:
    """Photos that could be decoded, named a, b, c ..."""
    return {"photo": list("abcdefgh"[:count]), "problem": [None] * count, **columns}


def grey(*levels: float) -> dict[str, list[object]]:
    """Photos of one colour each."""
    means = {f"mean_{channel}": list(levels) for channel in "rgb"}
    return photos(len(levels), **means, **{f"square_{channel}": [level**2 for level in levels] for channel in "rgb"})


def lookalikes(where: Where, hashes: list[int], digests: list[str]) -> dict[str, str]:
    texts = [f"{value:064x}" for value in hashes]
    return found(ExpectNoLookalikes(column="phash", where=where, most_bits=2), **TWINS, phash=texts, sha256=digests)[1]


def test_photo_that_cannot_be_decoded_is_told_why() -> None:
    rule = ExpectDecodablePhotos(column="photo")
    assert found(rule, photo=["a", "b"], problem=[None, "cut off"]) == (2, {"b": "cut off"})


def test_shorter_side_is_that_of_either_way() -> None:
    columns = photos(3, width=[96, 95, 500], height=[500, 500, 95])
    assert found(ExpectSide(column="width", low=96), **columns) == (3, {"b": "95 pixels", "c": "95 pixels"})


def test_photo_may_be_as_wide_and_as_high_as_the_bounds_say() -> None:
    columns = photos(4, width=[50, 49, 150, 151], height=[100] * 4)
    assert found(ExpectAspect(column="width", low=0.5, high=1.5), **columns) == (4, {"b": "0.49", "d": "1.51"})


def test_photo_may_be_as_dark_and_as_bright_as_the_bounds_say() -> None:
    rule = ExpectBrightness(column="brightness", low=0.125, high=0.875)
    assert found(rule, **grey(0.125, 0.1, 0.875, 0.9)) == (4, {"b": "0.10", "d": "0.90"})


def test_photo_of_one_colour_has_no_contrast_and_one_of_black_and_white_half_of_all() -> None:
    columns = grey(0.5, 0.5)
    for channel in "rgb":
        columns[f"square_{channel}"] = [0.25, 0.5]
    assert found(ExpectContrast(column="brightness", low=0.5), **columns) == (2, {"a": "0.000"})


def test_rounding_does_not_make_contrast_negative() -> None:
    columns = grey(0.1)
    columns["square_r"] = [0.1**2 - 1e-12]
    assert found(ExpectContrast(column="brightness", low=0.1), **columns) == (1, {"a": "0.000"})


def test_photo_is_blurred_if_it_is_less_sharp_than_the_bound() -> None:
    assert found(ExpectSharpness(column="sharpness", low=8), **photos(2, sharpness=[8.0, 7.94])) == (2, {"b": "7.9"})


def test_what_cannot_be_decoded_is_not_measured() -> None:
    columns = photos(2, width=[100, 0], height=[100, 0]) | {"problem": [None, "cut off"]}
    assert found(ExpectSide(column="width", low=96), **columns) == (1, {})
    assert found(ExpectOneSize(column="width"), **columns) == (1, {})


def test_photos_of_another_size_than_most_are_told_theirs() -> None:
    columns = photos(3, width=[384, 512, 384], height=[512, 384, 512])
    assert found(ExpectOneSize(column="width"), **columns) == (3, {"b": "512x384"})


@pytest.mark.parametrize(("where", "copy"), [("person", "b"), ("persons", "c"), ("splits", "d")])
def test_copy_is_told_where_it_is_a_copy(where: Where, copy: str) -> None:
    digests = ["x" if photo in ("a", copy) else photo for photo in TWINS["photo"]]
    for asked in ("person", "persons", "splits"):
        rule = ExpectNoCopies(column="sha256", where=asked)
        assert found(rule, **TWINS, sha256=digests) == (4, {copy: "like a"} if asked == where else {})


def test_twin_is_named_beside_its_offender() -> None:
    rows = pd.DataFrame(TWINS | {"sha256": ["x", "y", "x", "y"]})
    _, offenders, others = ExpectNoCopies(column="sha256", where="splits").judge(rows)
    assert others is not None
    assert (offenders.index.tolist(), others.tolist()) == (["d"], ["b"])


def test_photos_look_the_same_if_hashes_differ_in_few_bits() -> None:
    assert lookalikes("persons", [0, 2**200 - 1, 3, 2**100 - 1], ["w", "x", "y", "z"]) == {"c": "like a"}
    assert lookalikes("persons", [0, 2**200 - 1, 7, 2**100 - 1], ["w", "x", "y", "z"]) == {}


def test_copies_are_no_lookalikes_and_lookalikes_with_one_hash_are() -> None:
    assert lookalikes("person", [5, 5, 2**100, 2**200], ["x", "x", "y", "z"]) == {}
    assert lookalikes("person", [5, 5, 2**100, 2**200], ["w", "x", "y", "z"]) == {"b": "like a"}


def test_photo_that_is_like_several_is_told_once() -> None:
    assert lookalikes("splits", [0, 1, 2**100, 3], ["w", "x", "y", "z"]) == {"d": "like a"}


def test_training_photo_without_a_person_is_still_one_to_learn_from() -> None:
    columns = TWINS | {"person": [None, "1", "2", None], "sha256": ["x", "x", "y", "z"]}
    assert found(ExpectNoCopies(column="sha256", where="splits"), **columns) == (4, {})
    assert found(ExpectNoCopies(column="sha256", where="persons"), **columns) == (4, {"b": "like a"})


def test_photos_that_cannot_be_decoded_are_like_none() -> None:
    columns = TWINS | {"problem": ["empty", "empty", None, None], "sha256": ["x", "x", "y", "z"]}
    assert found(ExpectNoCopies(column="sha256", where="person"), **columns) == (2, {})
    texts = [None, None, "0" * 64, "f" * 64]
    assert found(ExpectNoLookalikes(column="phash", where="splits", most_bits=10), **columns, phash=texts) == (2, {})
