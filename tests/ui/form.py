"""The form that starts a run of a deployment, as a person fills it in."""

import re
from dataclasses import dataclass
from uuid import UUID

from playwright.sync_api import Locator, Page, Response

from tests.e2e.desk import SMALL
from tests.ui.desktop import Desktop

PRESSES = 3
"""How often a person presses Submit: on SQLite a server that is busy may say that its database is locked."""


@dataclass(frozen=True)
class StartedRun:
    """A run that a form has started."""

    id: UUID

    @property
    def path(self) -> str:
        """Its page."""
        return f"/runs/flow-run/{self.id}"


@dataclass(frozen=True)
class Form:
    """The form of a deployment, open in a browser."""

    page: Page

    def field(self, title: str) -> Locator:
        """The field with that title; groups of fields hold it, too, and come before it."""
        named = self.page.get_by_text(re.compile(rf"^{title}( \(Optional\))?$"))
        return self.page.locator(".schema-form-property").filter(has=named).last

    def texts(self) -> dict[str, str]:
        """What each field says of itself, by its title."""
        fields = self.page.locator(".schema-form-property").all()
        titles = [field.locator(".schema-form-property__label").first.inner_text() for field in fields]
        said = [field.locator(":scope > .p-label__header .schema-form-property__description") for field in fields]
        texts = [description.inner_text() if description.count() else "" for description in said]
        return {title.removesuffix(" (Optional)"): text for title, text in zip(titles, texts, strict=True)}

    def write(self, title: str, text: str) -> None:
        """Write into a field of one text."""
        self.field(title).locator("textarea").fill(text)

    def add(self, title: str, text: str) -> None:
        """Add a text to a list."""
        field = self.field(title)
        texts = field.locator("textarea")
        new = texts.nth(texts.count())
        field.get_by_role("button", name="Add item").click()
        new.fill(text)

    def options(self, title: str) -> list[str]:
        """What a dropdown offers; it stays open."""
        # In Prefect 3.8.8 a click on the text opens it and closes it again; the arrow only opens it.
        self.field(title).locator(".p-select-button__icon").click()
        self.page.get_by_role("option").first.wait_for()
        return self.page.get_by_role("option").all_inner_texts()

    def choose(self, title: str, option: str) -> None:
        """Choose from a dropdown."""
        self.options(title)
        self.page.get_by_role("option", name=option, exact=True).click()

    def is_refused(self, why: str) -> None:
        """Send what is wrong, and wait until the form says so."""
        self.page.get_by_role("button", name="Submit").click()
        self.page.get_by_text(why).first.wait_for()

    def submit(self) -> StartedRun:
        """Start the run."""
        answer = self._send()
        for _ in range(PRESSES - 1):
            if answer.status < 500:
                break
            answer = self._send()  # the form stays as it was
        assert answer.ok, answer.text()
        return StartedRun(UUID(answer.json()["id"]))

    def _send(self) -> Response:
        with self.page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as answer:
            self.page.get_by_role("button", name="Submit").click()
        return answer.value


def open_form(desktop: Desktop, deployment: str) -> Form:
    """Go the way to the form that a person goes: Deployments, the deployment, Run, Custom run."""
    page = desktop.open("/deployments")
    page.get_by_role("link", name=deployment, exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    if page.get_by_text("Custom run").count():
        page.get_by_text("Custom run").click()
    page.locator(".schema-form-property").first.wait_for()
    page.wait_for_load_state("networkidle")
    return Form(page)


def start_retrain(desktop: Desktop) -> StartedRun:
    """Start a small retrain; a picture of the form is taken on the way."""
    form = open_form(desktop, "retrain")
    form.write("Data", "photos")
    form.choose("Experiment", "sample")
    for change in SMALL:
        form.add("Overrides", change)
    desktop.picture("server-form", 1280, shows=form.field("Champion"))
    return form.submit()
