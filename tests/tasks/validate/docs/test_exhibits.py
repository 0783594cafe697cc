from itertools import product

import pandas as pd
import pytest

from expectations.wording import Offender, Outcome
from tasks.classes import STATE_OF_FILE
from tasks.validate.docs.exhibits import SHOWN, Exhibit, Wall, choose_exhibits, list_failures
from tests.tasks.validate.docs.outcomes import failure

PEOPLE = {"7_male_Asian_20": "7", "7-1_female_Asian_30": "7", "8_male_Asian_40": "8"}
"""Three persons, two of them with one id."""
ROWS = pd.DataFrame(
    [
        {"photo": f"train/images/{person}/{file}.jpg", "person": person, "group": PEOPLE[person], "state": state}
        for person, (file, state) in product(PEOPLE, STATE_OF_FILE.items())
    ]
)


def walls(*outcomes: Outcome, rows: pd.DataFrame = ROWS) -> list[Wall]:
    return choose_exhibits({"labels": list(outcomes)}, {"labels": rows})


def exhibits(outcome: Outcome) -> list[Exhibit]:
    (wall,) = walls(outcome)
    return wall.exhibits


def test_photo_is_shown_beside_the_one_that_it_is_too_like() -> None:
    alone, copy = Offender("a.jpg", "0.02"), Offender("b.jpg", "like c.jpg", "c.jpg")
    assert exhibits(failure("photos", alone, copy)) == [
        Exhibit(alone, {"a.jpg": "a.jpg"}),
        Exhibit(copy, {"b.jpg": "b.jpg", "c.jpg": "c.jpg"}),
    ]


def test_person_is_shown_on_all_seven_photos() -> None:
    (person,) = exhibits(failure("persons", Offender("8_male_Asian_40", "20, 40")))
    assert list(person.captions) == [f"train/images/8_male_Asian_40/{file}.jpg" for file in STATE_OF_FILE]
    assert list(person.captions.values()) == [f"{file}.jpg" for file in STATE_OF_FILE]


def test_person_is_shown_once_where_earlier_data_has_the_same_photos() -> None:
    (wall,) = walls(failure("persons", Offender("8_male_Asian_40")), rows=pd.concat([ROWS, ROWS]))
    assert len(wall.exhibits[0].captions) == 7


def test_id_is_shown_by_the_face_of_each_of_its_persons() -> None:
    (one,) = exhibits(failure("ids", Offender("7")))
    assert one.captions == {
        "train/images/7-1_female_Asian_30/normal.jpg": "7-1_female_Asian_30",
        "train/images/7_male_Asian_20/normal.jpg": "7_male_Asian_20",
    }


def test_person_without_a_photo_of_the_face_is_shown_by_another() -> None:
    (wall,) = walls(failure("ids", Offender("8")), rows=ROWS[ROWS["state"] != "normal"])
    assert list(wall.exhibits[0].captions) == ["train/images/8_male_Asian_40/mask1.jpg"]


@pytest.mark.parametrize("unit", ["classes", "folds", "images", "catalog"])
def test_what_no_photo_can_show_is_left_out(unit: str) -> None:
    assert walls(failure(unit, Offender("mask male <30"))) == []


def test_offender_that_has_no_photos_is_left_out() -> None:
    assert walls(failure("persons", Offender("9_male_Asian_20"))) == []


def test_worst_failures_come_first() -> None:
    outcomes = [
        failure("photos", Offender("a.jpg"), name=name, severity=severity)
        for name, severity in (("odd", "info"), ("wrong", "critical"), ("strange", "warning"))
    ]
    assert [outcome.severity for _, outcome in list_failures({"labels": outcomes})] == ["critical", "warning", "info"]
    assert [wall.outcome.expectation for wall in walls(*outcomes)] == ["wrong", "strange", "odd"]


def test_only_the_first_of_many_are_shown() -> None:
    photos = [Offender(f"{number}.jpg") for number in range(SHOWN + 10)]
    assert [exhibit.offender for exhibit in exhibits(failure("photos", *photos))] == photos[:SHOWN]


def test_page_is_shared_by_all_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.validate.docs.exhibits.PHOTOS", 15)
    persons = [Offender(person) for person in PEOPLE]
    photos = [Offender(f"{number}.jpg") for number in range(10)]
    found = walls(failure("persons", *persons, name="a"), failure("photos", *photos, name="b"))
    assert [len(wall.exhibits) for wall in found] == [1, 7]


def test_one_offender_is_shown_however_little_room_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.validate.docs.exhibits.PHOTOS", 1)
    assert len(exhibits(failure("persons", *map(Offender, PEOPLE)))) == 1
