import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from expectations.wording import Offender
from tasks.data_folder.local import LocalFolder
from tasks.validate.docs.gallery import Gallery, make_gallery
from tasks.validate.docs.site import build_site
from tasks.validate.run import Outcomes
from tasks.validate.tables import Validated
from tests.tasks.validate.docs.conftest import EVIL
from tests.tasks.validate.docs.outcomes import failure

ROWS = {"labels": 84, "photos": 88, "balance": 84}
THUMBNAIL = "data:image/jpeg;base64,"


class References(HTMLParser):
    """Everything that a page loads or links to, the words that it shows, and the names that it gives to its parts."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def gallery(validated: Validated, outcomes: Outcomes, flawed: LocalFolder) -> Gallery:
    return make_gallery(validated, outcomes, flawed)


@pytest.fixture(scope="module")
def site(outcomes: Outcomes, gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "data_docs"
    build_site(folder, "Validation of the data", ROWS, outcomes, gallery)
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_suite_has_its_pages(site: Path) -> None:
    assert [page.relative_to(site).as_posix() for page in pages(site)] == [
        "expectations/balance.html",
        "expectations/labels.html",
        "expectations/photos.html",
        "index.html",
        "pictures.html",
        "validations/balance.html",
        "validations/labels.html",
        "validations/photos.html",
    ]


def test_pages_load_and_link_only_what_lies_beside_them(site: Path) -> None:
    for page in pages(site):
        for reference in References(page).found:
            file, _, part = reference.partition("#")
            carried = reference == "data:," or reference.startswith(THUMBNAIL)
            assert carried or not file or (page.parent / file).is_file(), f"{page.name}: {reference[:80]}"
            if file and part:
                assert part in References(page.parent / file).ids, f"{page.name}: {reference}"


def test_browser_is_told_to_load_nothing_from_elsewhere(site: Path) -> None:
    for page in pages(site):
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page.read_text(encoding="utf-8"))
        assert policy.startswith("default-src 'none'; img-src data:;")
        assert "http" not in policy


def test_styles_load_nothing(site: Path) -> None:
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "@import" not in text
        assert text.count("url(") == text.count('url("data:')


def test_data_is_shown_as_text_not_as_markup(site: Path) -> None:
    for page in (site / "index.html", site / "pictures.html", site / "validations" / "labels.html"):
        assert EVIL in References(page).words


def test_names_of_photos_and_persons_are_text_too(tmp_path: Path) -> None:
    photo = f"train/images/{EVIL}/normal.jpg"
    rows = pd.DataFrame([{"photo": photo, "person": EVIL, "group": EVIL, "sha256": "0", "problem": "<b>"}])
    found: Outcomes = {
        "labels": [failure(unit, Offender(EVIL, EVIL), name=unit) for unit in ("persons", "ids")]
        + [failure("photos", Offender(photo, EVIL, photo))]
    }
    validated = Validated({"labels": rows.assign(state="normal")})
    build_site(tmp_path / "docs", "t", {"labels": 1}, found, make_gallery(validated, found, LocalFolder(tmp_path)))
    page = References(tmp_path / "docs" / "pictures.html")
    assert page.words.count(EVIL) >= 5
    assert not any("example.org" in reference for reference in page.found)


def test_failures_are_told_in_words(site: Path) -> None:
    for page in pages(site):
        words = References(page).words
        assert "expect_" not in words
        if page.parent.name != "expectations":
            failed = "1 of 84 photos have a gender that is none of male, female" in words
            assert failed == (page.name in ("index.html", "pictures.html", "labels.html"))


def test_failures_that_photos_can_show_are_shown(site: Path, gallery: Gallery) -> None:
    page = References(site / "pictures.html")
    assert {"gender_known", "decodable", "no_copies_person", "gender_constant"} <= set(page.ids)
    assert "class_photos" not in page.ids
    assert page.words.count("cannot be decoded") >= 3
    photos = [photo for wall in gallery.walls for exhibit in wall.exhibits for photo in exhibit.captions]
    thumbnails = [gallery.pictures[photo].uri for photo in photos]
    assert [uri for uri in page.found if uri.startswith(THUMBNAIL)] == [uri for uri in thumbnails if uri]


def test_failure_links_to_its_pictures_from_both_pages_that_tell_of_it(site: Path) -> None:
    assert "pictures.html#no_copies_person" in References(site / "index.html").found
    assert "../pictures.html#no_copies_person" in References(site / "validations" / "photos.html").found


def test_page_of_pictures_is_small(site: Path) -> None:
    assert (site / "pictures.html").stat().st_size < 1_000_000


def test_where_there_is_nothing_to_show_there_is_no_page_and_no_link(outcomes: Outcomes, tmp_path: Path) -> None:
    build_site(tmp_path / "docs", "t", ROWS, outcomes)
    assert not (tmp_path / "docs" / "pictures.html").exists()
    assert not [page for page in pages(tmp_path / "docs") if "pictures.html" in page.read_text(encoding="utf-8")]


def test_same_outcomes_make_the_same_pages(
    site: Path, outcomes: Outcomes, validated: Validated, flawed: LocalFolder, tmp_path: Path
) -> None:
    again = make_gallery(validated, outcomes, flawed)
    build_site(tmp_path / "again", "Validation of the data", ROWS, outcomes, again)
    for page in pages(site):
        assert page.read_bytes() == (tmp_path / "again" / page.relative_to(site)).read_bytes()


def test_shares_are_drawn_whether_or_not_they_have_moved(validated: Validated, tmp_path: Path) -> None:
    new = validated.rows["photos"].assign(data="new")
    drift = Validated({"drift": new}, {"gender": {"male": 0.125, "female": 0.875}})
    build_site(tmp_path / "docs", "t", {"drift": 88}, {"drift": []}, make_gallery(drift, {}, LocalFolder(tmp_path)))
    page = References(tmp_path / "docs" / "pictures.html")
    assert "gender_shares" in page.ids
    assert "50.0%" in page.words
    assert "12.5%" in page.words


def test_boxes_are_explained_where_they_are_drawn(gallery: Gallery, outcomes: Outcomes, tmp_path: Path) -> None:
    build_site(tmp_path / "boxed", "t", ROWS, outcomes, replace(gallery, boxed=True))
    assert "The yellow box" in References(tmp_path / "boxed" / "pictures.html").words


def test_licences_travel_with_the_files(site: Path) -> None:
    licences = (site / "assets" / "LICENSES.md").read_text(encoding="utf-8")
    assert all(file.name in licences for file in site.glob("assets/*.js"))
