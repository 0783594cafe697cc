from dataclasses import replace

import pytest
from pydantic import JsonValue

from tasks.report.data import Check, box_sizes, face_sources, list_checks, list_figures
from tasks.report.run import RunTables


def test_failed_checks_stand_under_their_severity(run: RunTables) -> None:
    checks = list_checks(run)
    assert (checks.met, checks.total) == (2, 3)
    assert checks.failed == {"critical": [], "warning": [Check("3 classes are <rare>.", "classes", 18, 3)], "info": []}


def test_figures_are_listed_unless_another_section_shows_them(run: RunTables) -> None:
    assert list_figures(run) == [("persons", "12"), ("rgb, mean", "0.25, 0.5, 0.75")]


def test_long_figure_is_cut_off_and_says_how_many_more(run: RunTables) -> None:
    sizes: JsonValue = {f"384x{height}": height for height in range(508, 515)}
    listed = list_figures(replace(run, figures={"sizes": sizes}))
    assert len(listed) == 6
    assert listed[-1] == ("sizes, others", "2")


def test_sources_are_shares_of_each_state(run: RunTables) -> None:
    sources, rows = face_sources(run)
    by_name = {row.name: row for row in rows}
    assert sources == ["mtcnn", "retinaface", "default"]
    assert by_name["incorrect"].shares == {"mtcnn": 0.0, "retinaface": 1.0, "default": 0.0}
    assert by_name["mask"].shares["default"] == pytest.approx(1 / 60)
    assert (by_name["mask"].undersized, by_name["all photos"].photos, by_name["evaluation"].photos) == (1, 94, 10)


def test_sizes_are_of_boxes_around_faces_of_training_photos(run: RunTables) -> None:
    sizes = box_sizes(run)
    assert len(sizes) == 83
    assert sizes.drop_duplicates().to_numpy().tolist() == [[100, 200]]
