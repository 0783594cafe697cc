from pathlib import Path

import pytest
import torch

from tasks.training.settings import AugmentSettings, OptimiserSettings, ScheduleSettings, TrainingSettings
from tasks.training.state import TENSORS, Snapshot, mean_weights, new_state
from tests.tasks.training.conftest import CPU, Lab

ALL_AT_ONCE = {
    "dropout": 0.3,
    "ema": 0.9,
    "average": 2,
    "frozen": 1,
    "thaw_after": 1,
    "sampling": "balanced",
    "schedule": ScheduleSettings(name="cosine", warmup=0.5),
    "augment": AugmentSettings(shake=0.1, mixup=0.4, half_cutmix=0.5),
}


LAST_ONES = {"epochs": 2, "keep": "last", "average": 2}
HEADS_FIRST = {
    "hidden": 0,
    "first_epoch": "discriminant",
    "epochs": 2,
    "ema": 0.9,
    "frozen": 1,
    "thaw_after": 1,
    "keep": "last",
}


@pytest.mark.parametrize("name", ["adamp", "sgdp", "adam", "adamw"])
@pytest.mark.parametrize(
    "change", [LAST_ONES, ALL_AT_ONCE, HEADS_FIRST], ids=["last ones", "all at once", "heads first"]
)
def test_training_that_goes_on_ends_with_the_same_bits(
    lab: Lab, tiny: TrainingSettings, name: str, change: dict[str, object]
) -> None:
    optimiser = OptimiserSettings(name=name, learning_rate=5e-3)
    settings = tiny.model_copy(update={"optimiser": optimiser, **change})
    undisturbed = lab.fit(settings)
    lab.checkpoints.drop()
    resumed = lab.fit_interrupted(settings)
    assert resumed.history.equals(undisturbed.history)
    ends = undisturbed.classifier.state_dict()
    assert all(torch.equal(value, ends[key]) for key, value in resumed.classifier.state_dict().items())


def test_state_that_was_read_writes_the_same_bytes(lab: Lab, tiny: TrainingSettings, tmp_path: Path) -> None:
    settings = tiny.model_copy(update={"ema": 0.9, "average": 2})
    state, again = new_state(settings, (32, 32), CPU), new_state(settings, (32, 32), CPU)
    lab.fit(settings, state)
    folders = [tmp_path / name for name in ("first", "second")]
    for folder, written in zip(folders, (state, again), strict=True):
        folder.mkdir()
        written.write(folder)
        again.read({path.name: path for path in folders[0].iterdir()})
    assert all((folders[1] / path.name).read_bytes() == path.read_bytes() for path in folders[0].iterdir())


def test_nothing_of_a_state_is_pickled(lab: Lab, tiny: TrainingSettings, tmp_path: Path) -> None:
    state = new_state(tiny, (32, 32), CPU)
    lab.fit(tiny, state)
    state.write(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == [".json", ".safetensors"]
    assert (tmp_path / TENSORS).stat().st_size > 1000


def test_mean_is_of_weights_and_counters_are_of_the_first() -> None:
    snapshots = [
        Snapshot(epoch, 0.5, {"weight": torch.tensor([1.0, 2.0]) * epoch, "steps": torch.tensor(10 * epoch)})
        for epoch in (3, 1, 2)
    ]
    mean = mean_weights(snapshots)
    assert mean["weight"].tolist() == [2.0, 4.0]
    assert (mean["steps"].item(), mean["steps"].dtype) == (30, torch.int64)
