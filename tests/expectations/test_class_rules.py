from expectations.class_rules import ExpectNoRareClass, ExpectPhotosInEveryClass
from tests.expectations.judging import found


def test_class_without_a_photo_is_too_small() -> None:
    checked, short = found(ExpectPhotosInEveryClass(column="class", min_photos=1), **{"class": list(range(17))})
    assert (checked, short) == (18, {"normal female >=60": "0 photos"})


def test_class_is_rare_if_its_share_of_the_commonest_is_too_small() -> None:
    classes = [0] * 10 + list(range(1, 18)) + [17]
    checked, rare = found(ExpectNoRareClass(column="class", min_ratio=0.2), **{"class": classes})
    assert (checked, len(rare)) == (18, 16)
    assert rare["mask male 30-59"] == "1 photos against 10"
