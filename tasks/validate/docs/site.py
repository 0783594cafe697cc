"""Writing Data Docs to a folder.

`index.html` says what failed, over all suites; `validations/{suite}.html` what became of every expectation,
`expectations/{suite}.html` what is expected; `pictures.html` shows what can be seen of it, if anything can; `assets/`
holds styles and scripts.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from great_expectations.render.components import RenderedDocumentContent
from great_expectations.render.view.view import DefaultJinjaPageView

from expectations.settings import SuiteName
from tasks.validate.docs.documents import BADGES, PICTURES, results_document, suite_document
from tasks.validate.docs.exhibits import list_failures
from tasks.validate.docs.gallery import Gallery
from tasks.validate.run import Outcomes

HERE = Path(__file__).parent
NOTHING = Gallery()


class OfflinePageView(DefaultJinjaPageView):
    """Great Expectations' view with our frame around a page: theirs loads styles, scripts and a logo from the web."""

    _template = "page.html"

    def __init__(self) -> None:
        super().__init__(custom_views_directory=HERE / "templates")


def build_site(
    folder: Path, title: str, rows: Mapping[SuiteName, int], outcomes: Outcomes, gallery: Gallery = NOTHING
) -> None:
    """Write the Data Docs of a validation into `folder`, which must not exist; its index.html is the entrance.

    Args:
        folder: where to.
        title: what was validated, as a headline.
        rows: number of rows of each suite's table.
        outcomes: what was found.
        gallery: what pictures show of it.
    """
    shutil.copytree(HERE / "vendor", folder / "assets")
    shutil.copyfile(HERE / "foldline.css", folder / "assets" / "foldline.css")
    view = OfflinePageView()
    _write(folder / "index.html", _index(view, title, rows, outcomes, gallery))
    for suite, judged in outcomes.items():
        results = results_document(suite, judged, gallery.shown)
        _write(folder / "validations" / f"{suite}.html", _page(view, results))
        _write(folder / "expectations" / f"{suite}.html", _page(view, suite_document(suite, judged)))
    if gallery.shown:
        _write(folder / PICTURES, _pictures(view, title, gallery))


def _index(
    view: OfflinePageView, title: str, rows: Mapping[SuiteName, int], outcomes: Outcomes, gallery: Gallery
) -> str:
    failures = list_failures(outcomes)
    return view.env.get_template("index.html").render(
        root="", page_title=title, rows=rows, outcomes=outcomes, failures=failures, gallery=gallery, badges=BADGES
    )


def _pictures(view: OfflinePageView, title: str, gallery: Gallery) -> str:
    return view.env.get_template(PICTURES).render(
        root="", page_title=f"{title}, in pictures", gallery=gallery, badges=BADGES
    )


def _page(view: OfflinePageView, document: RenderedDocumentContent) -> str:
    page: str = view.render(document, root="../")  # type: ignore[no-untyped-call]
    return page


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")
