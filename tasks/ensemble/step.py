"""The step: from fold models to blended probabilities."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import JsonValue

from tasks.ensemble.blend import join_oof, soft_vote
from tasks.metrics import (
    attribute_scores,
    confusion_matrix,
    f1_by_class,
    macro_f1,
    shifted_macro_f1,
    shifted_weights,
)
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG, CLASS_COLUMNS, FOLDS, PROBABILITIES

STEP = Step(name="ensemble", package="tasks.ensemble", libraries=("numpy", "pandas"))


def blend_folds(ledger: Ledger, catalog: Artifact, folds: Artifact, models: Sequence[Artifact]) -> Artifact:
    """What the `models` of the first of the `folds` say together: oof.parquet, eval.parquet (soft vote), scores.json.

    Raises:
        DataError: the models come from different folds or catalogs.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        dealt = FOLDS.read(folds.path("folds.parquet"))
        held_out = dealt.loc[dealt["fold"].between(0, len(models) - 1), "photo"]
        classes = CATALOG.read(catalog.path("catalog.parquet")).set_index("photo")["class"]
        oof = join_oof([PROBABILITIES.read(model.path("oof.parquet")) for model in models], held_out)
        blended = soft_vote([PROBABILITIES.read(model.path("eval.parquet")) for model in models])
        return _write_blend(folder, oof, blended, classes, {"models": len(models)})

    inputs: dict[str, Artifact | str] = {"catalog": catalog, "folds": folds}
    return ledger.produce(STEP, inputs | {f"fold-{n}": model for n, model in enumerate(models)}, None, compute)


def blend_ensembles(ledger: Ledger, catalog: Artifact, ensembles: Sequence[Artifact]) -> Artifact:
    """What several `ensembles` of one catalog say together: oof.parquet, eval.parquet (soft votes), scores.json.

    Out-of-fold probabilities of a photo come from models that have not seen it, however each ensemble dealt its folds.

    Raises:
        DataError: they do not answer the same photos.
    """

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        classes = CATALOG.read(catalog.path("catalog.parquet")).set_index("photo")["class"]
        tables = [PROBABILITIES.read(ensemble.path("oof.parquet")) for ensemble in ensembles]
        oof = soft_vote([table.sort_values("photo", ignore_index=True) for table in tables])
        blended = soft_vote([PROBABILITIES.read(ensemble.path("eval.parquet")) for ensemble in ensembles])
        return _write_blend(folder, oof, blended, classes, {"ensembles": len(ensembles)})

    inputs: dict[str, Artifact | str] = {f"ensemble-{n}": ensemble for n, ensemble in enumerate(ensembles)}
    return ledger.produce(STEP, {"catalog": catalog} | inputs, None, compute)


def _write_blend(
    folder: Path, oof: pd.DataFrame, blended: pd.DataFrame, classes: "pd.Series[int]", blended_of: dict[str, int]
) -> Mapping[str, JsonValue]:
    """Write the files of an ensemble; returns its summary."""
    PROBABILITIES.write(oof, folder / "oof.parquet")
    PROBABILITIES.write(blended, folder / "eval.parquet")
    scores = score_oof(oof, classes[oof["photo"]])
    (folder / "scores.json").write_text(json.dumps(scores, indent=2))
    return {name: scores[name] for name in ("macro_f1", "shifted_macro_f1", "attributes")} | blended_of


def score_oof(oof: pd.DataFrame, classes: "pd.Series[int]") -> dict[str, JsonValue]:
    """The official score, F1 of every class, accuracy and F1 of every attribute; also under shifted class shares."""
    truth = np.asarray(classes, np.int64)
    predicted = np.asarray(oof[CLASS_COLUMNS].to_numpy().argmax(axis=1), np.int64)
    return {
        "macro_f1": macro_f1(truth, predicted),
        "f1_by_class": f1_by_class(confusion_matrix(truth, predicted)).tolist(),
        "shifted_macro_f1": shifted_macro_f1(truth, predicted),
        "attributes": _plain(attribute_scores(truth, predicted)),
        "shifted_attributes": _plain(attribute_scores(truth, predicted, shifted_weights(truth))),
    }


def _plain(scores: Mapping[str, Mapping[str, float]]) -> dict[str, JsonValue]:
    return {name: dict(values) for name, values in scores.items()}
