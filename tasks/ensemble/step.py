"""The step: from fold models to blended probabilities."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import JsonValue

from tasks.ensemble.blend import join_oof, soft_vote
from tasks.metrics import attribute_scores, confusion_matrix, f1_by_class, macro_f1
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG, CLASS_COLUMNS, PROBABILITIES

STEP = Step(name="ensemble", package="tasks.ensemble", libraries=("numpy", "pandas"))


def blend_folds(ledger: Ledger, catalog: Artifact, models: Sequence[Artifact]) -> Artifact:
    """What the fold `models` say together: oof.parquet, eval.parquet (soft vote) and scores.json.

    Raises:
        DataError: the models come from different folds or catalogs.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        training = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'")
        oof = join_oof([PROBABILITIES.read(model.path("oof.parquet")) for model in models], training["photo"])
        blended = soft_vote([PROBABILITIES.read(model.path("eval.parquet")) for model in models])
        PROBABILITIES.write(oof, folder / "oof.parquet")
        PROBABILITIES.write(blended, folder / "eval.parquet")
        scores = score_oof(oof, training["class"])
        (folder / "scores.json").write_text(json.dumps(scores, indent=2))
        return {"macro_f1": scores["macro_f1"], "attributes": scores["attributes"], "models": len(models)}

    inputs: dict[str, Artifact | str] = {"catalog": catalog}
    return ledger.produce(STEP, inputs | {f"fold-{n}": model for n, model in enumerate(models)}, None, compute)


def score_oof(oof: pd.DataFrame, classes: "pd.Series[int]") -> dict[str, JsonValue]:
    """Official score, F1 of every class, and accuracy and F1 of every attribute, of out-of-fold probabilities."""
    truth = np.asarray(classes, np.int64)
    predicted = np.asarray(oof[CLASS_COLUMNS].to_numpy().argmax(axis=1), np.int64)
    return {
        "macro_f1": macro_f1(truth, predicted),
        "f1_by_class": f1_by_class(confusion_matrix(truth, predicted)).tolist(),
        "attributes": {name: dict(scores) for name, scores in attribute_scores(truth, predicted).items()},
    }
