import pandas as pd
import pytest

from tasks.classes import CLASS_COUNT
from tasks.sample.people import PERSONS_BY_GENDER_AND_GROUP
from tasks.sample.table import draw_boxes, draw_catalog
from tasks.tables import BOX_SIDES


def test_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (draw_catalog(10, 5, seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(draw_boxes(first, 3), draw_boxes(again, 3))
    assert not set(first["sha256"]) & set(other["sha256"])


def test_persons_have_seven_photos_each_and_photos_to_predict_follow() -> None:
    catalog = draw_catalog(people=12, evaluation=5, seed=1)
    assert catalog["split"].tolist() == ["train"] * 84 + ["eval"] * 5
    assert catalog["person"].tolist()[:84] == [person for person in catalog["person"][:84:7] for _ in range(7)]
    assert catalog.loc[84:, ["person", "state", "class"]].isna().all(axis=None)


def test_persons_have_the_competitions_shares_of_gender_and_age() -> None:
    persons = draw_catalog(people=2700, evaluation=1, seed=1).drop_duplicates("person")
    drawn = persons.value_counts(["gender", "age_group"])
    for kind, count in PERSONS_BY_GENDER_AND_GROUP.items():
        assert drawn[kind] == pytest.approx(count, abs=5)


@pytest.mark.parametrize("people", [30, 60, 500])
def test_every_class_has_photos_enough_for_five_folds(people: int) -> None:
    counts = draw_catalog(people, evaluation=1, seed=2)["class"].value_counts()
    assert (len(counts), counts.min() >= 5) == (CLASS_COUNT, True)


@pytest.mark.parametrize("people", [1, 6])
def test_few_people_can_be_drawn(people: int) -> None:
    assert len(draw_catalog(people, evaluation=0, seed=1)) == 7 * people


def test_nothing_is_there_twice() -> None:
    catalog = draw_catalog(people=300, evaluation=100, seed=1)
    assert all(catalog[column].is_unique for column in ("photo", "sha256", "phash"))


def test_every_photo_has_a_box_with_a_face_within_it() -> None:
    catalog = draw_catalog(people=10, evaluation=5, seed=1)
    boxes = draw_boxes(catalog, seed=1)
    left, top, right, bottom = (boxes[side] for side in BOX_SIDES)
    assert boxes["photo"].tolist() == catalog["photo"].tolist()
    assert (left.gt(0) & top.gt(0) & right.lt(catalog["width"]) & bottom.lt(catalog["height"])).all()
    assert (boxes["nose_x"].between(left, right) & boxes["nose_y"].between(top, bottom)).all()
