import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.metrics import macro_f1
from tasks.progress import reporting_to
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.training.data import Crops, Feed
from tasks.training.device import choose_device, device_name
from tasks.training.fit import Course, train_batch
from tasks.training.preflight import check_device, fitting_parts
from tasks.training.score import normalised
from tasks.training.settings import AugmentSettings, OptimiserSettings, TrainingSettings
from tasks.training.state import TrainingState, new_state
from tasks.training.step import train_fold
from tests.notebook import Notebook
from tests.tasks.training.conftest import CPU, Lab, write_crops
from tests.tasks.training.killing import SETTINGS, make_inputs

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

PRECISIONS = ["float32", "bfloat16", "float16"]
SIDE = 128


@pytest.fixture(scope="module", autouse=True)
def device() -> Iterator[torch.device]:
    """In place of that which keeps other tests on the CPU."""
    yield choose_device()
    torch.use_deterministic_algorithms(False)  # noqa: FBT003 - torch's signature


@pytest.fixture
def large_lab(photos: pd.DataFrame, tmp_path: Path, device: torch.device) -> Lab:
    """Trains on larger squares: they take memory, and the face network takes no smaller ones."""
    (tmp_path / "crops").mkdir()
    return Lab(Crops(write_crops(photos, SIDE, tmp_path / "crops")), photos, tmp_path / "store", device)


def test_gpu_is_named_and_computes_what_the_cpu_computes(device: torch.device) -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        check_device(device)
    (line,) = notebook.lines
    assert line.startswith(f"{torch.cuda.get_device_name()}: ")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_colours_are_learnt_on_a_gpu(lab: Lab, tiny: TrainingSettings, device: torch.device, precision: str) -> None:
    settings = tiny.model_copy(update={"epochs": 12, "precision": precision})
    state = new_state(settings, (32, 32), device)
    lab.fit(settings, state)
    result = lab.score(settings, state, lab.rows.held_out)
    assert macro_f1(result.classes, result.probabilities.argmax(axis=1)) > 0.7
    assert {weight.dtype for weight in state.classifier.parameters()} == {torch.float32}


def test_heads_are_computed_on_a_gpu_as_on_the_cpu(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, tmp_path: Path, device: torch.device
) -> None:
    settings = tiny.model_copy(update={"hidden": 0, "first_epoch": "discriminant", "epochs": 1, "mirror": True})
    ours, theirs = (Lab(crops, photos, tmp_path / place.type, place).fit(settings).history for place in (device, CPU))
    assert ours["train_loss"].item() == pytest.approx(theirs["train_loss"].item(), rel=0.02)
    assert ours["valid_loss"].item() == pytest.approx(theirs["valid_loss"].item(), rel=0.05)


def test_first_epoch_on_a_gpu_gives_nearly_the_numbers_of_the_cpu(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings, tmp_path: Path, device: torch.device
) -> None:
    settings = tiny.model_copy(update={"epochs": 1})
    ours, theirs = (Lab(crops, photos, tmp_path / place.type, place).fit(settings).history for place in (device, CPU))
    assert ours["train_loss"].item() == pytest.approx(theirs["train_loss"].item(), rel=0.02)
    assert ours["valid_loss"].item() == pytest.approx(theirs["valid_loss"].item(), rel=0.05)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0.002), ("bfloat16", 0.02), ("float16", 0.005)])
def test_model_says_on_a_gpu_what_it_says_on_the_cpu(
    crops: Crops,
    photos: pd.DataFrame,
    tiny: TrainingSettings,
    tmp_path: Path,
    device: torch.device,
    precision: str,
    tolerance: float,
) -> None:
    settings = tiny.model_copy(update={"precision": precision})
    lab, cpu = Lab(crops, photos, tmp_path / "gpu", device), new_state(settings, (32, 32), CPU)
    state = new_state(settings, (32, 32), device)
    lab.fit(settings, state)
    cpu.classifier.load_state_dict(state.scored.state_dict())
    ours, theirs = (lab.score(settings, one, lab.rows.held_out) for one in (state, cpu))
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=tolerance)


def test_photos_come_in_memory_from_which_a_gpu_reads_while_it_computes(
    lab: Lab, tiny: TrainingSettings, device: torch.device
) -> None:
    batch = next(lab.course(tiny).feed.batches(np.arange(8)))
    assert batch.pixels.is_pinned()
    pixels = normalised(batch, new_state(tiny, (32, 32), device).classifier, tiny)
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    assert not pixels.is_contiguous()


@pytest.mark.parametrize(
    ("backbone", "precision"),
    [
        *(("test_resnet.r160_in1k", precision) for precision in PRECISIONS),
        ("test_efficientnet", "bfloat16"),
        *(("test_vit", precision) for precision in PRECISIONS),
        ("swin_tiny_patch4_window7_224", "bfloat16"),
    ],
)
def test_training_on_a_gpu_that_goes_on_ends_with_the_same_bits(
    large_lab: Lab, tiny: TrainingSettings, backbone: str, precision: str
) -> None:
    changes = {"backbone": backbone, "precision": precision, "dropout": 0.2, "ema": 0.9, "mirror": True}
    optimiser = OptimiserSettings(name="adamw", learning_rate=1e-3, clip=1.0)
    settings = tiny.model_copy(update={**changes, "optimiser": optimiser, "epochs": 2, "keep": "last"})
    undisturbed = large_lab.fit(settings)
    large_lab.checkpoints.drop()
    resumed = large_lab.fit_interrupted(settings)
    assert resumed.history.equals(undisturbed.history)
    ends = undisturbed.classifier.state_dict()
    assert all(torch.equal(value, ends[key]) for key, value in resumed.classifier.state_dict().items())


def test_network_that_a_gpu_cannot_train_to_the_same_bits_is_trained_all_the_same_and_told(
    large_lab: Lab, tiny: TrainingSettings, device: torch.device
) -> None:
    optimiser = OptimiserSettings(name="adamw", learning_rate=1e-4)
    settings = tiny.model_copy(update={"backbone": "face_recognition", "epochs": 1, "optimiser": optimiser})
    course, state, notebook = large_lab.course(settings), new_state(settings, (SIDE, SIDE), device), Notebook()
    with reporting_to(notebook):
        assert fitting_parts(course, state) == 1
        assert len(large_lab.fit(settings, state, course).history) == 1
    assert notebook.lines[0].startswith("face_recognition cannot be trained on a GPU to the same bits each time")
    choose_device()


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_nobody_waits_for_a_gpu_before_it_has_all_the_work_of_a_step(
    lab: Lab, tiny: TrainingSettings, device: torch.device, precision: str
) -> None:
    optimiser = OptimiserSettings(name="adamw", clip=1.0, accumulate=2)
    augment = AugmentSettings(flip=0, mixup=0.4, half_cutmix=0.5)
    settings = tiny.model_copy(update={"precision": precision, "optimiser": optimiser, "augment": augment})
    course, state = lab.course(settings, parts=2), new_state(settings, (32, 32), device)
    state.classifier.train()
    first, second = course.feed.batches(np.arange(16), 1)
    train_batch(course, state, first, np.random.default_rng(1))
    torch.cuda.set_sync_debug_mode("error")
    try:
        train_batch(course, state, second, np.random.default_rng(2))
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def memory_of(size: int) -> Iterator[None]:
    """Let this process have so many bytes of the GPU's memory."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(size / torch.cuda.get_device_properties(0).total_memory)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def memory_for(course: Course, state: TrainingState) -> int:
    """Bytes that a step takes on a whole batch."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    assert fitting_parts(course, state) == 1
    return torch.cuda.max_memory_reserved()


@pytest.mark.parametrize(("share", "least"), [(2, 2), (6, 8)])
def test_batch_that_is_too_large_for_a_gpu_is_worked_through_in_parts(
    large_lab: Lab, tiny: TrainingSettings, device: torch.device, share: int, least: int
) -> None:
    changes = {"backbone": "tf_efficientnet_lite0", "batch_size": 48, "epochs": 1, "mirror": True}
    settings = tiny.model_copy(update=changes)
    course, state = large_lab.course(settings), new_state(settings, (SIDE, SIDE), device)
    needed, notebook = memory_for(course, state), Notebook()
    with memory_of(needed // share), reporting_to(notebook):
        parts = fitting_parts(course, state)
        result = large_lab.fit(settings, state, large_lab.course(settings, parts))
    assert least <= parts <= 4 * least
    assert "trying 2 parts" in notebook.lines[0]
    assert len(result.history) == 1


def test_loader_processes_feed_a_gpu_with_the_same_photos(
    crops: Crops, photos: pd.DataFrame, tiny: TrainingSettings
) -> None:
    alone, helped = (Feed(crops, photos, tiny, workers).batches(np.arange(72), 1) for workers in (0, 2))
    for one, other in zip(alone, helped, strict=True):
        assert one.photos == other.photos
        assert other.pixels.is_pinned()
        assert torch.equal(one.pixels, other.pixels)


FLOAT16 = SETTINGS.model_copy(update={"precision": "float16"})
"""With a scaler, whose state must be kept too."""


def train(folder: Path, store: Path) -> Artifact:
    """Train a fold into a store, from inputs in `folder`."""
    return train_fold(Ledger(FolderBackend(store)), *make_inputs(folder / "inputs"), 0, FLOAT16)


def killed_after_a_checkpoint(folder: Path, store: Path) -> bool:
    """Train in another process, kill it once it has kept its state; whether that was before its end."""
    script = f"""
import os
from pathlib import Path
from tests.tasks.training.test_cuda import train
os.sched_getaffinity = lambda _: {{0, 1}}
train(Path({str(folder)!r}), Path({str(store)!r}))
"""
    child = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[3])
    while child.poll() is None and not any(store.glob("checkpoints/*/*/*.json")):
        time.sleep(0.01)
    child.kill()
    return child.wait() == -signal.SIGKILL


def test_training_on_a_gpu_that_is_killed_ends_with_the_same_bits_and_tells_the_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.training.fold.loader_workers", lambda _: 0)  # they decide nothing
    alone = train(tmp_path, tmp_path / "alone")
    assert alone.manifest.device == device_name() == torch.cuda.get_device_name()
    assert killed_after_a_checkpoint(tmp_path, tmp_path / "killed")
    notebook = Notebook()
    with reporting_to(notebook):
        resumed = train(tmp_path, tmp_path / "killed")
    assert any("going on after epoch" in line for line in notebook.lines)
    assert resumed.manifest.files == alone.manifest.files
