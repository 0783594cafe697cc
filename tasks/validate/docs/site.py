"""Writing Data Docs to a folder.

index.html                  what failed, over all suites
validations/{suite}.html    what became of every expectation
expectations/{suite}.html   what is expected
assets/                     styles and scripts
"""

import shutil
from pathlib import Path

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from tasks.validate.docs.documents import BADGES, results_document, suite_document
from tasks.validate.run import Outcomes

HERE = Path(__file__).parent


class OfflinePageView(DefaultJinjaPageView):  # type: ignore[misc] # its base is untyped
    """Great Expectations' view with our frame around a page: theirs loads styles, scripts and a logo from the web."""

    _template = "page.html"

    def __init__(self) -> None:
        super().__init__()
        self.env.loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), self.env.loader])


def build_site(folder: Path, table: str, rows: int, outcomes: Outcomes) -> None:
    """Write the Data Docs of a validation into `folder`, which must not exist; its index.html is the entrance.

    Args:
        folder: where to.
        table: name of the table that was validated.
        rows: number of its rows.
        outcomes: what was found.
    """
    shutil.copytree(HERE / "vendor", folder / "assets")
    shutil.copyfile(HERE / "foldline.css", folder / "assets" / "foldline.css")
    view = OfflinePageView()
    _write(folder / "index.html", _index(view, table, rows, outcomes))
    for suite, judged in outcomes.items():
        _write(folder / "validations" / f"{suite}.html", view.render(results_document(suite, judged), root="../"))
        _write(folder / "expectations" / f"{suite}.html", view.render(suite_document(suite, judged), root="../"))


def _index(view: OfflinePageView, table: str, rows: int, outcomes: Outcomes) -> str:
    failures = [(suite, outcome) for suite, judged in outcomes.items() for outcome in judged if not outcome.success]
    return view.env.get_template("index.html").render(
        root="", page_title=f"Validation of the {table}", rows=rows, outcomes=outcomes, failures=failures, badges=BADGES
    )


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")
