import numpy as np
import pandas as pd
import pytest

from tasks.errors import DataError
from tasks.progress import reporting_to
from tasks.training.data import Crops
from tasks.training.fold import FoldPhotos, photos_of_fold, train_and_predict
from tasks.training.settings import AgesSettings, OptimiserSettings, TrainingSettings
from tests.notebook import Notebook
from tests.tasks.training.conftest import Lab, small_memory


def people(count: int) -> pd.DataFrame:
    """A catalog of so many persons with a photo each, aged 50 and up, one year apart."""
    names, ages = [f"{number}.jpg" for number in range(count)], np.arange(50, 50 + count)
    return pd.DataFrame({"photo": names, "split": "train", "age": ages, "class": 6 + np.digitize(ages, [30, 60])})


def dealt(catalog: pd.DataFrame, folds: list[int]) -> pd.DataFrame:
    return catalog[["photo"]].assign(fold=folds)


def test_fold_that_leaves_less_than_a_batch_is_an_error(tiny: TrainingSettings) -> None:
    catalog = people(10)
    with pytest.raises(
        DataError, match=r"leaves 6 photos to train on, fewer than a batch of 8\. .* training\.batch_size"
    ):
        photos_of_fold(catalog, dealt(catalog, [0] * 4 + [1] * 6), 0, tiny)


def test_photos_that_are_kept_aside_are_neither_trained_on_nor_scored(tiny: TrainingSettings) -> None:
    catalog = people(20)
    photos = photos_of_fold(catalog, dealt(catalog, [0] * 4 + [1] * 10 + [-1] * 6), 0, tiny)
    assert photos.held_out["photo"].tolist() == catalog["photo"][:4].tolist()
    assert photos.training["photo"].tolist() == catalog["photo"][4:14].tolist()


def test_age_lines_of_training_never_touch_what_is_scored(tiny: TrainingSettings) -> None:
    catalog = people(20)
    settings = tiny.model_copy(update={"ages": AgesSettings(old_from=58, leave_out=(57,)), "batch_size": 4})
    photos = photos_of_fold(catalog, dealt(catalog, [0, 1] * 10), 0, settings)
    assert photos.held_out["class"].tolist() == catalog["class"][::2].tolist()
    assert photos.training["age"].tolist() == [51, 53, 55, 59, 61, 63, 65, 67, 69]
    assert photos.training["class"].tolist() == [7, 7, 7, 8, 8, 8, 8, 8, 8]


@pytest.fixture
def parted(photos: pd.DataFrame) -> FoldPhotos:
    """The squares: 48 to train on, 24 held out and looked at once more."""
    return FoldPhotos(photos[:48], photos[48:], photos[48:])


def test_batch_is_worked_through_in_the_asked_number_of_parts(
    lab: Lab, crops: Crops, parted: FoldPhotos, tiny: TrainingSettings
) -> None:
    losses = []
    for accumulate in (1, 4):
        optimiser = OptimiserSettings(learning_rate=5e-3, accumulate=accumulate)
        settings = tiny.model_copy(update={"optimiser": optimiser, "epochs": 1})
        result = train_and_predict(parted, crops, settings, lab.checkpoints, "Fold 0")
        losses.append(result.fit.history["train_loss"].item())
        lab.checkpoints.drop()
    assert losses[0] != losses[1]  # as batch norms see the parts


def test_batch_that_does_not_fit_into_memory_is_worked_through_in_parts(
    lab: Lab, crops: Crops, parted: FoldPhotos, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_memory(monkeypatch, 4)
    settings, notebook = tiny.model_copy(update={"epochs": 1}), Notebook()
    with reporting_to(notebook):
        result = train_and_predict(parted, crops, settings, lab.checkpoints, "Fold 0")
    assert any("trying 2 parts" in line for line in notebook.lines)
    assert len(result.fit.history) == 1


@pytest.mark.parametrize("row", [0, 1], ids=["held out", "to train on"])
def test_photo_of_a_fold_without_a_class_is_an_error(tiny: TrainingSettings, row: int) -> None:
    catalog = people(20).astype({"class": "Int8"})
    catalog.loc[row, "class"] = pd.NA
    with pytest.raises(DataError, match=rf"1 training photos have no class from 0 to 17, such as {row}\.jpg"):
        photos_of_fold(catalog, dealt(catalog, [0, 1] * 10), 0, tiny)


def test_state_that_cannot_be_read_is_told_and_training_begins_anew(
    lab: Lab, crops: Crops, parted: FoldPhotos, tiny: TrainingSettings
) -> None:
    settings, notebook = tiny.model_copy(update={"epochs": 1}), Notebook()
    lab.fit(settings.model_copy(update={"hidden": 8}))
    with reporting_to(notebook):
        result = train_and_predict(parted, crops, settings, lab.checkpoints, "Fold 0")
    assert any("cannot be read" in line and "all begins anew" in line for line in notebook.lines)
    lab.checkpoints.drop()
    assert result.fit.history.equals(lab.fit(settings).history)


def test_fold_that_was_killed_after_its_last_epoch_only_predicts(
    lab: Lab, crops: Crops, parted: FoldPhotos, tiny: TrainingSettings
) -> None:
    trained = lab.fit(tiny)
    notebook = Notebook()
    with reporting_to(notebook):
        result = train_and_predict(parted, crops, tiny, lab.checkpoints, "Fold 0")
    assert "Fold 0: going on after epoch 3, which an earlier training had reached." in notebook.lines
    assert result.fit.speed == 0
    assert result.fit.history.equals(trained.history)
    assert result.oof.loss == pytest.approx(trained.history.query("kept")["valid_loss"].item(), rel=1e-5)
    assert result.oof.photos == result.evaluation.photos == parted.held_out["photo"].tolist()
