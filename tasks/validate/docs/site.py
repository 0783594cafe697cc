"""Writing Data Docs to a folder.

`index.html` says what failed, over all suites; `validations/{suite}.html` what became of every expectation,
`expectations/{suite}.html` what is expected; `assets/` holds styles and scripts.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from great_expectations.render.components import RenderedDocumentContent
from great_expectations.render.view.view import DefaultJinjaPageView

from expectations.settings import SEVERITIES, SuiteName
from tasks.validate.docs.documents import BADGES, results_document, suite_document
from tasks.validate.run import Outcomes

HERE = Path(__file__).parent


class OfflinePageView(DefaultJinjaPageView):
    """Great Expectations' view with our frame around a page: theirs loads styles, scripts and a logo from the web."""

    _template = "page.html"

    def __init__(self) -> None:
        super().__init__(custom_views_directory=HERE / "templates")


def build_site(folder: Path, title: str, rows: Mapping[SuiteName, int], outcomes: Outcomes) -> None:
    """Write the Data Docs of a validation into `folder`, which must not exist; its index.html is the entrance.

    Args:
        folder: where to.
        title: what was validated, as a headline.
        rows: number of rows of each suite's table.
        outcomes: what was found.
    """
    shutil.copytree(HERE / "vendor", folder / "assets")
    shutil.copyfile(HERE / "foldline.css", folder / "assets" / "foldline.css")
    view = OfflinePageView()
    _write(folder / "index.html", _index(view, title, rows, outcomes))
    for suite, judged in outcomes.items():
        _write(folder / "validations" / f"{suite}.html", _page(view, results_document(suite, judged)))
        _write(folder / "expectations" / f"{suite}.html", _page(view, suite_document(suite, judged)))


def _index(view: OfflinePageView, title: str, rows: Mapping[SuiteName, int], outcomes: Outcomes) -> str:
    failures = [(suite, outcome) for suite, judged in outcomes.items() for outcome in judged if not outcome.success]
    failures.sort(key=lambda failure: SEVERITIES.index(failure[1].severity))
    return view.env.get_template("index.html").render(
        root="", page_title=title, rows=rows, outcomes=outcomes, failures=failures, badges=BADGES
    )


def _page(view: OfflinePageView, document: RenderedDocumentContent) -> str:
    page: str = view.render(document, root="../")  # type: ignore[no-untyped-call]
    return page


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")
