from dataclasses import replace

import pytest
from pydantic import JsonValue

from tasks.data_folder.local import LocalFolder
from tasks.report.data import Checks, FlawedPhoto, list_figures
from tasks.report.page import Page, make_page, render
from tasks.report.run import RunTables, read_tables
from tasks.report.thumbnails import Thumbnails
from tasks.store import Artifact
from tests.tasks.report.conftest import COPY, ORIGINAL


@pytest.fixture(scope="module")
def checks(page: Page) -> Checks:
    return page.checks


def test_failed_checks_of_all_validations_stand_under_their_severity(checks: Checks) -> None:
    assert (checks.met, checks.total) == (2, 5)
    told = {severity: [check.message for check in failed] for severity, failed in checks.failed.items()}
    assert told == {
        "critical": [],
        "warning": ["1 photo is a copy.", "3 classes are <rare>."],
        "info": ["9 photos have no face."],
    }


def test_photo_that_is_too_like_another_is_shown_beside_it(checks: Checks, artifacts: dict[str, Artifact]) -> None:
    (photo,) = checks.failed["warning"][0].photos
    thumbnails = Thumbnails(artifacts["prepare"])
    assert photo == FlawedPhoto({one: thumbnails.uri(one) for one in (COPY, ORIGINAL)}, "")


def test_a_few_of_many_photos_are_shown_with_what_is_wrong(checks: Checks) -> None:
    photos = checks.failed["info"][0].photos
    assert [list(photo.images) for photo in photos] == [[f"eval/images/{number:04x}.jpg"] for number in range(6)]
    assert {photo.what for photo in photos} == {"found by <i>"}


def test_check_that_no_photo_breaks_shows_none(checks: Checks) -> None:
    assert checks.failed["warning"][1].photos == []


def test_run_without_validations_has_no_checks(artifacts: dict[str, Artifact], data: LocalFolder) -> None:
    unchecked = {name: artifact for name, artifact in artifacts.items() if not name.startswith("validate")}
    page = make_page(read_tables(unchecked, "laptop"), data)
    assert (page.checks.total, page.data_docs) == (0, {})
    html = render(page)
    assert "this run has validated nothing" in html
    assert "data checks met" not in html


def test_figures_are_listed_unless_another_section_shows_them(run: RunTables) -> None:
    assert list_figures(run) == [("persons", "12"), ("rgb, mean", "0.25, 0.5, 0.75")]


def test_long_figure_is_cut_off_and_says_how_many_more(run: RunTables) -> None:
    sizes: JsonValue = {f"384x{height}": height for height in range(508, 515)}
    listed = list_figures(replace(run, figures={"sizes": sizes}))
    assert len(listed) == 6
    assert listed[-1] == ("sizes, others", "2")
