from dataclasses import replace

import pytest

from tasks.report.gallery import Gallery
from tasks.report.page import Page
from tasks.report.run import RunTables
from tasks.report.shares import attribute_shares, class_shares


@pytest.fixture(scope="module")
def gallery(page: Page) -> Gallery:
    return page.gallery


def test_surest_mistake_comes_first_and_a_person_only_once(gallery: Gallery) -> None:
    persons = [card.photo.split("/")[2][:3] for card in gallery.mistakes]
    assert persons == ["007", "000", "006"]
    assert gallery.mistakes[0].probability == pytest.approx(0.99)


def test_mistake_marks_only_the_attribute_that_is_wrong(gallery: Gallery) -> None:
    card = gallery.mistakes[0]
    assert [(word.value, word.right) for word in card.predicted] == [("normal", True), ("male", True), (">=60", False)]
    assert [word.value for word in card.truth] == ["normal", "male", "30-59"]


def test_evaluation_photo_has_no_verdict(gallery: Gallery) -> None:
    assert len(gallery.evaluation) == 10
    assert {card.right for card in gallery.evaluation} == {None}
    assert not any(card.truth for card in gallery.evaluation)


def test_photos_at_random_are_different_ones(gallery: Gallery) -> None:
    assert len({card.photo for card in gallery.held_out}) == 24


def test_suspects_keep_their_order(gallery: Gallery) -> None:
    assert [(card.attribute, card.given, card.suggested) for card in gallery.suspects] == [
        ("gender", "female", "male"),
        ("age", "<30", "30-59"),
    ]


def test_shares_compare_labels_and_predictions(run: RunTables) -> None:
    male_young = class_shares(run)[0]
    assert male_young.shares == pytest.approx((10 / 84, 7 / 84, 1 / 10))
    worn = attribute_shares(run)["mask"][0]
    assert worn.shares == pytest.approx((60 / 84, 58 / 84, 6 / 10))


def test_shares_of_no_evaluation_photos_are_zero(run: RunTables) -> None:
    assert {share.shares[2] for share in class_shares(replace(run, eval=run.eval.head(0)))} == {0.0}
