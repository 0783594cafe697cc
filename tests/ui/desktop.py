"""A real browser that looks at the pages of a Prefect server, and remembers whom they call."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

WIDTH, HEIGHT = 1120, 900
PATIENCE = 30_000.0
"""Milliseconds that a page may take to show something."""


class Desktop:
    """A window on the server's pages."""

    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        self.page = page
        self.url = url
        self.pictures = pictures
        self.called: set[str] = set()
        """Hosts, each with its port, that pages have asked for anything."""
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url))

    def open(self, path: str) -> Page:
        """Go to a page, and wait until it has all it has asked for."""
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def tab(self, name: str) -> None:
        """Turn to one of the tabs of a page."""
        self.page.locator(".p-tab-navigation, .p-tabs").get_by_text(name, exact=True).click()
        self.page.wait_for_load_state("networkidle")

    def picture(self, name: str, height: int, *, shows: Locator) -> None:
        """Take a picture of the upper part of the page once it shows something: few colours, and so small."""
        shows.wait_for()
        self.page.set_viewport_size({"width": WIDTH, "height": height})
        self.page.wait_for_timeout(1500)  # for what moves: a graph is drawn, a menu opens
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"}:
            self.called.add(parts.netloc)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


def desktop_on(browser: Browser, url: str, pictures: Path) -> Desktop:
    """A window of the browser."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
    return Desktop(page, url, pictures)
