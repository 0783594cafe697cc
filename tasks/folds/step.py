"""The step: from a catalog to the folds of its training photos."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from tasks.folds.settings import FoldsSettings
from tasks.folds.split import missing_classes, split
from tasks.progress import say
from tasks.store import Artifact, Ledger, Step
from tasks.tables import ASIDE, CATALOG, FOLDS

STEP = Step(name="folds", package="tasks.folds", libraries=("scikit-learn",))

LEAK_WARNING = (
    "Warning: photos are split without regard to persons (folds.by=photo), so the same faces are trained on and "
    "scored. Out-of-fold scores will be far too good; use folds.by=person to believe them."
)


def make_folds(ledger: Ledger, catalog: Artifact, settings: FoldsSettings) -> Artifact:
    """The folds of the training photos of `catalog`: folds.parquet.

    Raises:
        DataError: a photo has no id or no class, or there are too few persons (or photos) for so many folds.
    """
    if settings.by == "photo":
        say(LEAK_WARNING)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        photos = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'").reset_index(drop=True)
        parts = split(photos, settings)
        folds = np.where(parts < settings.count - settings.aside, parts, ASIDE)
        FOLDS.write(photos[["photo", "person"]].assign(fold=folds), folder / "folds.parquet")
        missing = missing_classes(photos[folds != ASIDE], folds[folds != ASIDE])
        if missing:
            fold, number = missing[0]
            say(f"{len(missing)} times a fold lacks a class, such as fold {fold} class {number}: it scores 0 there.")
        return {
            "photos": [int((folds == fold).sum()) for fold in range(settings.count - settings.aside)],
            "persons": [
                int(photos["person"][folds == fold].nunique()) for fold in range(settings.count - settings.aside)
            ],
            **({"aside": int((folds == ASIDE).sum())} if settings.aside else {}),
            "leaks": settings.by == "photo",
        }

    return ledger.produce(STEP, {"catalog": catalog}, settings, compute)
