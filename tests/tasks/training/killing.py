"""Trains a fold in processes that are killed at random moments until one comes through, beside one that is left alone.

    python -m tests.tasks.training.killing FOLDER ROUNDS SEED

Prints a line a round: how many processes were killed, how many of them had left a checkpoint, and the digests of all
files of the artifact; the first line is that of the training that was left alone. All libraries are loaded once, and
processes are forked before torch has started a thread, so that a kill hits training and not its imports.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.classes import CLASS_COUNT
from tasks.store import Artifact, Ledger, Step
from tasks.store.folder import FolderBackend
from tasks.tables import CATALOG, CROPS, FOLDS
from tasks.training import fold as _loaded  # noqa: F401 - so that forked processes need not load torch
from tasks.training.settings import AugmentSettings, OptimiserSettings, ScheduleSettings, TrainingSettings
from tasks.training.step import train_fold

SETTINGS = TrainingSettings(
    backbone="test_resnet.r160_in1k",
    pretrained=False,
    hidden=16,
    dropout=0.2,
    epochs=10,
    batch_size=8,
    average=2,
    ema=0.9,
    optimiser=OptimiserSettings(learning_rate=3e-3, clip=1.0),
    schedule=ScheduleSettings(name="cosine", warmup=0.5),
    augment=AugmentSettings(shake=0.1, light=0.2, mixup=0.4, half_cutmix=0.5),
)


def main(folder: Path, rounds: int, seed: int) -> None:
    """Print what the docstring of this module says."""
    inputs = make_inputs(folder / "inputs")
    start = time.perf_counter()
    alone = run(folder / "alone", inputs, kill_after=None)
    assert alone
    seconds = time.perf_counter() - start
    report(folder / "alone", 0, 0)
    moments = np.random.default_rng(seed)
    for number in range(rounds):
        store, killed, resumed = folder / f"round-{number}", 0, 0
        while not run(store, inputs, kill_after=moments.uniform(0.1, 0.7) * seconds):
            killed += 1
            resumed += any(store.glob("checkpoints/*/*/*.json"))
        report(store, killed, resumed)


def run(store: Path, inputs: tuple[Artifact, ...], kill_after: float | None) -> bool:
    """Train in a process of its own; returns whether it came to its end before it was killed."""
    child = os.fork()
    if not child:
        train_fold(Ledger(FolderBackend(store)), *inputs, 0, SETTINGS)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "training failed"
    return not os.WIFSIGNALED(status)


def report(store: Path, killed: int, resumed: int) -> None:
    """Print a line about the artifact that a store now holds."""
    (manifest,) = store.glob("steps/training/*/manifest.json")
    files = {name: entry["sha256"] for name, entry in json.loads(manifest.read_text())["files"].items()}
    left = [str(path.relative_to(store)) for path in store.glob("checkpoints/**/*") if path.is_file()]
    print(json.dumps({"killed": killed, "resumed": resumed, "files": files, "checkpoints": left}), flush=True)


def make_inputs(store: Path) -> tuple[Artifact, ...]:
    """A catalog, crops and two folds of 54 photos: noise around a colour that says the class."""
    ledger, noise = Ledger(FolderBackend(store)), np.random.default_rng(1)
    names, classes = [f"{number:02}.jpg" for number in range(54)], np.arange(54) % CLASS_COUNT
    ages = np.array([20, 40, 70])[classes % 3]
    catalog = pd.DataFrame({"photo": names, "split": "train", "class": classes, "age": ages})
    catalog.loc[48:, ["split", "class", "age"]] = ["eval", pd.NA, pd.NA]
    for column in CATALOG.columns:
        if column.name not in catalog:
            catalog[column.name] = "" if column.dtype == "str" else 0
    pixels = (classes * 12)[:, None, None, None] + noise.integers(0, 40, (54, 32, 32, 3))

    def write(folder: Path, kind: str) -> dict[str, str]:
        if kind == "catalog":
            CATALOG.write(catalog, folder / "catalog.parquet")
        elif kind == "folds":
            split = pd.DataFrame({"photo": names[:48], "person": names[:48], "fold": np.arange(48) // 3 % 2})
            FOLDS.write(split, folder / "folds.parquet")
        else:
            np.save(folder / "crops-000.npy", pixels.clip(0, 255).astype(np.uint8))
            CROPS.write(
                pd.DataFrame({"photo": names, "shard": "crops-000.npy", "row": range(54)}), folder / "crops.parquet"
            )
        return {}

    def make(kind: str) -> Artifact:
        return ledger.produce(Step(kind, "tasks.classes"), {}, None, lambda folder: write(folder, kind))

    return make("catalog"), make("crops"), make("folds")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
