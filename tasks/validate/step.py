"""The step: from a catalog to what became of every expectation, as a table and as Data Docs."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from expectations.settings import SEVERITIES
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG, RESULTS
from tasks.validate.settings import ValidationSettings

STEP = Step(name="validate", package="tasks.validate", libraries=("great-expectations", "pandas"))


def validate_catalog(ledger: Ledger, catalog: Artifact, settings: ValidationSettings) -> Artifact:
    """The validation of the training rows of `catalog`: results.parquet, and Data Docs from data_docs/index.html.

    Failures are results like others: `tasks.validate.gate` decides whether they stop the flow.

    Raises:
        ConfigError: a severity is given for an expectation that does not exist.
        DataError: an expectation could not be checked.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        from tasks.validate.docs.site import build_site
        from tasks.validate.run import run_suites
        from tasks.validate.suites import build_suites

        rows = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'")
        outcomes = run_suites(rows, build_suites(settings))
        build_site(folder / "data_docs", "catalog", len(rows), outcomes)
        results = RESULTS.conform(
            pd.DataFrame([outcome.row(suite) for suite, judged in outcomes.items() for outcome in judged])
        )
        RESULTS.write(results, folder / "results.parquet")
        failed = results.loc[~results["success"], "severity"].value_counts()
        return {
            "expectations": len(results),
            "failed": {severity: int(failed.get(severity, 0)) for severity in SEVERITIES},
        }

    return ledger.produce(STEP, {"catalog": catalog}, settings.expected(), compute)
