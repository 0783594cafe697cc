"""Pages that people open from a disk, with no network: Data Docs and the report."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.store.runs import find_ended
from tasks.validate.settings import SuiteSettings
from tasks.validate.step import validate_data, validate_drift
from tests.server.stack import Stack
from tests.ui.form import StartedRun

ALREADY_HERE = r"^(?!file:|data:)"
"""Matches what a page would have to ask the network for."""
BLANK = "Array.from(document.images).filter(image => !image.naturalWidth).map(image => image.alt)"


@dataclass
class Reader:
    """Somebody who reads pages from a disk, and whose network is unplugged."""

    page: Page
    asked: list[str] = field(default_factory=list)
    """What pages wanted to have from the network."""
    complaints: list[str] = field(default_factory=list)
    """What the browser had to complain of, such as what a page may not load."""

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("networkidle")
        assert (self.asked, self.complaints) == ([], []), path.name
        assert self.page.evaluate(BLANK) == [], path.name
        return self.page


def width_of(element: Locator) -> float:
    return float(element.evaluate("element => element.getBoundingClientRect().width"))


@pytest.fixture
def reader(browser: Browser) -> Reader:
    page = browser.new_page()
    reader = Reader(page)
    page.route(re.compile(ALREADY_HERE), lambda route: (reader.asked.append(route.request.url), route.abort()))
    page.on("websocket", lambda socket: reader.asked.append(socket.url))
    page.on("console", lambda message: reader.complaints.append(message.text))
    page.on("pageerror", lambda error: reader.complaints.append(str(error)))
    page.on("requestfailed", lambda request: reader.complaints.append(request.url))
    return reader


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(FolderBackend(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> LocalFolder:
    """Drawn people with flaws."""
    folder = tmp_path_factory.mktemp("flawed") / "data"
    draw_sample(folder, SampleSettings(people=12, eval=4, seed=3, flaws=True))
    return LocalFolder(folder)


@pytest.fixture(scope="module")
def catalog(ledger: Ledger, data: LocalFolder) -> Artifact:
    return make_catalog(ledger, data)


@pytest.fixture(scope="module")
def data_docs(ledger: Ledger, data: LocalFolder, catalog: Artifact) -> Path:
    validation = validate_data(ledger, data, catalog, SuiteSettings())
    return Path(validation.url("data_docs/index.html")).parent


def test_data_docs_are_read_without_a_network(reader: Reader, data_docs: Path) -> None:
    pages = sorted(data_docs.rglob("*.html"))
    assert len(pages) == 8
    for path in pages:
        reader.open(path)


def test_pictures_are_one_click_away_from_the_failure(reader: Reader, data_docs: Path) -> None:
    page = reader.open(data_docs / "index.html")
    page.get_by_role("row", name="no_copies_person").get_by_role("link", name="In pictures").click()
    copies = page.locator("#no_copies_person")
    expect(copies.get_by_role("heading")).to_be_in_viewport()
    expect(copies.get_by_role("img")).to_have_count(2)
    assert page.get_by_text("cannot be decoded", exact=True).count() >= 3
    assert reader.complaints == []


def test_button_that_hides_what_is_met_needs_no_network(reader: Reader, data_docs: Path) -> None:
    page = reader.open(data_docs / "validations" / "photos.html")
    expect(page.get_by_text("All photos have the same size.")).to_be_visible()
    page.get_by_text("Failed Only").click()
    expect(page.get_by_text("All photos have the same size.")).to_be_hidden()
    expect(page.get_by_text("Every photo can be decoded.")).to_be_visible()


def test_shares_are_drawn_beside_those_of_a_reference(
    reader: Reader, ledger: Ledger, data: LocalFolder, catalog: Artifact
) -> None:
    reference = {"gender": {"male": 0.2, "female": 0.8}}
    validation = validate_drift(ledger, data, catalog, reference, SuiteSettings())
    page = reader.open(Path(validation.url("data_docs/pictures.html")))
    bars = page.locator("#gender_shares .bar").all()
    shares = [float(bar.inner_text().removesuffix("%")) for bar in bars]
    assert shares[1::2] == [20.0, 80.0]
    longest = page.locator("#gender_shares .reference").nth(1)
    for bar, share in zip(bars, shares, strict=True):
        assert width_of(bar.locator("span")) == pytest.approx(width_of(longest) * share / 80, abs=1)


@pytest.mark.parametrize("width", [1300, 420])
def test_pages_fit_into_wide_and_narrow_windows(reader: Reader, data_docs: Path, width: int) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    for name in ("index.html", "pictures.html"):
        page = reader.open(data_docs / name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_report_is_read_without_a_network(reader: Reader, stack: Stack, started: StartedRun) -> None:
    del started
    report = Ledger(stack.store).get(find_ended(stack.store, "latest").artifacts["report"])
    page = reader.open(report.path("report.html"))
    assert page.locator("img").count() > 20
    expect(page.locator("#data").get_by_text("Data Docs in the store")).to_be_visible()
