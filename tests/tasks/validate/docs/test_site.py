from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from tasks.validate.docs.site import build_site
from tasks.validate.run import Outcomes, run_suites
from tasks.validate.settings import SuiteSettings
from tasks.validate.suites import build_suites

EVIL = '<img src="https://example.org/x.png">'


class References(HTMLParser):
    """Everything that a page loads or links to, and the words that it shows."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def outcomes(clean_catalog: pd.DataFrame) -> Outcomes:
    photos = clean_catalog[clean_catalog["split"] == "train"].copy()
    photos.loc[0, "gender"] = EVIL
    return run_suites(photos, build_suites(SuiteSettings()))


@pytest.fixture(scope="module")
def site(outcomes: Outcomes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "data_docs"
    build_site(folder, "catalog", 252, outcomes)
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_suite_has_its_pages(site: Path) -> None:
    assert [page.relative_to(site).as_posix() for page in pages(site)] == [
        "expectations/balance.html",
        "expectations/labels.html",
        "index.html",
        "validations/balance.html",
        "validations/labels.html",
    ]


def test_pages_load_and_link_only_what_lies_beside_them(site: Path) -> None:
    for page in pages(site):
        for reference in References(page).found:
            inside = reference.startswith("#") or reference == "data:,"
            assert inside or (page.parent / reference).is_file(), f"{page.name}: {reference}"


def test_styles_load_nothing(site: Path) -> None:
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "@import" not in text
        assert text.count("url(") == text.count('url("data:')


def test_data_is_shown_as_text_not_as_markup(site: Path) -> None:
    for page in (site / "index.html", site / "validations" / "labels.html"):
        assert EVIL in References(page).words


def test_failures_are_told_in_words(site: Path) -> None:
    for page in pages(site):
        words = References(page).words
        assert "expect_" not in words
        if page.parent.name != "expectations":
            failed = "1 of 252 photos have a gender that is none of male, female" in words
            assert failed == (page.name != "balance.html")


def test_same_outcomes_make_the_same_pages(site: Path, outcomes: Outcomes, tmp_path: Path) -> None:
    build_site(tmp_path / "again", "catalog", 252, outcomes)
    for page in pages(site):
        assert page.read_bytes() == (tmp_path / "again" / page.relative_to(site)).read_bytes()


def test_licences_travel_with_the_files(site: Path) -> None:
    licences = (site / "assets" / "LICENSES.md").read_text(encoding="utf-8")
    assert all(file.name in licences for file in site.glob("assets/*.js"))
