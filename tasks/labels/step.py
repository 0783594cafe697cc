"""The step that finds suspects."""

from pathlib import Path

from pydantic import JsonValue

from tasks.classes import ATTRIBUTES
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG, PROBABILITIES, SUSPECTS

STEP = Step(name="labels", package="tasks.labels", libraries=("cleanlab", "numpy", "pandas"))


def find_suspects(ledger: Ledger, catalog: Artifact, ensemble: Artifact) -> Artifact:
    """Labels that the out-of-fold probabilities doubt: suspects.parquet, and corrections.csv for people to review."""

    def compute(folder: Path) -> dict[str, JsonValue]:
        from tasks.labels.review import write_review
        from tasks.labels.suspects import list_suspects

        photos = CATALOG.read(catalog.path("catalog.parquet"))
        suspects = list_suspects(photos, PROBABILITIES.read(ensemble.path("oof.parquet")))
        SUSPECTS.write(suspects, folder / "suspects.parquet")
        write_review(folder / "corrections.csv", suspects, photos)
        by_attribute = {attribute: int((suspects["attribute"] == attribute).sum()) for attribute in ATTRIBUTES}
        return {"suspects": len(suspects), **by_attribute}

    return ledger.produce(STEP, {"catalog": catalog, "ensemble": ensemble}, None, compute)
