"""The step: from a run's artifacts to its report."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from tasks.data_folder import DataFolder
from tasks.store import Artifact, Ledger, Step

STEP = Step(name="report", package="tasks.report", libraries=("jinja2", "matplotlib", "numpy", "pandas", "pillow"))


def make_report(ledger: Ledger, data: DataFolder, artifacts: Mapping[str, Artifact], experiment: str) -> Artifact:
    """The report of a run, report.html: one page that refers to nothing outside itself.

    Args:
        ledger: where the report goes.
        data: where the photos lie; of those that are gone it shows what it can.
        artifacts: what the run used and made: catalog, faces, prepare, folds, fold-0 and so on, ensemble, labels,
            submission, and the validations, if there are any: validate and so on.
        experiment: name of the experiment, for the headline.
    """

    def compute(folder: Path) -> dict[str, JsonValue]:
        from tasks.report.page import make_page, render
        from tasks.report.run import read_tables
        from tasks.report.scores import score_rows

        page = make_page(read_tables(artifacts, experiment), data)
        (folder / "report.html").write_text(render(page), encoding="utf-8")
        return {"scores": [dict(row) for row in score_rows(page.scores)], "suspects": page.suspects}

    return ledger.produce(STEP, {**artifacts, "experiment": experiment}, None, compute)


def make_faces_report(
    ledger: Ledger, data: DataFolder, catalog: Artifact, faces: Artifact, experiment: str
) -> Artifact:
    """The report of faces that were found and not trained on, report.html: a page as `make_report` makes."""

    def compute(folder: Path) -> dict[str, JsonValue]:
        from tasks.report.page import make_faces_page, render

        page = make_faces_page(data, catalog, faces, experiment)
        (folder / "report.html").write_text(render(page), encoding="utf-8")
        return {}

    return ledger.produce(STEP, {"catalog": catalog, "faces": faces, "experiment": experiment}, None, compute)
