"""Training: ours against the bare step, timm's loop, Lightning's Trainer, and a plain loop over PIL; and its memory.

    .venv/bin/pip install 'foldline[benchmarks]'
    .venv/bin/python benchmarks/training.py [--quick]

All train the same network (EfficientNet-Lite0 with three heads) by the same loss in batches of 32, on the GPU if there
is one. Ours and the bare step read crops of 192 x 152; the others read the drawn photos, as their users do, and shrink
them to that size, with settings that are not theirs by default left alone (such as channels last in memory). Ours and
the bare step take turns in one process, and their figure is the median of the turns' ratios; the others run in
processes of their own, in the same rounds. Prints a line a figure, `name value goal ok|short`;
exits 1 if one is short.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from tasks.training.loss import Loss
    from tasks.training.model import Classifier
    from tasks.training.settings import TrainingSettings

PEOPLE, SIZE, BATCH = 96, (192, 152), 32
ROUNDS, QUICK_ROUNDS = 2, 1
TURNS, QUICK_TURNS = 20, 16
"""Turns of a round, of ours and the bare step each; and batches of each rival."""
BATCHES = 3
"""Batches of a turn: what else the machine does falls into few of many short turns, and the median passes over it."""
WARM = 3
"""Batches before the clock starts."""
MANY, FEW = 18_900, 1_000
"""Photos whose memory is compared."""

Numbers = dict[str, float]


def settings() -> "TrainingSettings":
    """The default network without its weights, photos changed in all the common ways."""
    from tasks.training.settings import AugmentSettings, LossSettings, TrainingSettings

    augment = AugmentSettings(flip=0.5, shake=0.08, light=0.2)
    return TrainingSettings(
        pretrained=False, batch_size=BATCH, epochs=1000, loss=LossSettings(gamma=2), augment=augment
    )


def classifier_and_loss() -> "tuple[Classifier, Loss]":
    """What all contenders train, and by what."""
    import torch

    from tasks.training.device import choose_device
    from tasks.training.loss import Loss
    from tasks.training.model import make_classifier

    torch.manual_seed(1)
    classifier = make_classifier(settings(), SIZE).to(choose_device())
    return classifier, Loss(settings(), torch.arange(18), classifier.head_sizes)


def ours(folder: Path, turns: int) -> Numbers:
    """Ours, and the bare step on tensors in memory, in turns."""
    import pandas as pd

    from tasks.store.folder import FolderBackend
    from tasks.store.ledger import Ledger
    from tasks.store.manifest import ArtifactRef
    from tasks.tables import CATALOG
    from tasks.training.data import Crops, Feed
    from tasks.training.device import choose_device, loader_workers
    from tasks.training.fit import Course, FoldRows, train_epoch
    from tasks.training.loss import Loss
    from tasks.training.state import new_state

    ledger = Ledger(FolderBackend(folder / "store"))
    refs = json.loads((folder / "refs.json").read_text())
    catalog, crops = (ledger.get(ArtifactRef.model_validate(refs[name])) for name in ("catalog", "crops"))
    photos: pd.DataFrame = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'")
    device = choose_device()
    feed = Feed(Crops(crops.paths()), photos, settings(), loader_workers(device))
    rows = np.arange(len(photos))
    state = new_state(settings(), SIZE, device)
    loss = Loss(settings(), feed.classes, state.classifier.head_sizes)
    course = Course(feed, FoldRows(rows, rows, rows), settings(), loss, 1, "benchmark")
    bare = bare_turn(device)

    def end_to_end(number: int) -> None:
        order = np.random.default_rng(number).permutation(rows)[: BATCHES * BATCH]
        train_epoch(course, state, order, number + 1, lambda *_: None)
        wait_for(device)

    end_to_end(0)
    bare()
    shares, speeds, waited = [], [], feed.waited
    start = time.perf_counter()
    for number in range(1, turns + 1):
        # Whoever comes first finds the machine as the other left it: take turns at that, too.
        first, second = (bare, lambda n=number: end_to_end(n)) if number % 2 else (lambda n=number: end_to_end(n), bare)
        times = [timed(first), timed(second)]
        bare_time, our_time = times if number % 2 else times[::-1]
        shares.append(bare_time / our_time)
        speeds.append(BATCHES * BATCH / our_time)
    whole = time.perf_counter() - start
    return {
        "share": statistics.median(shares),
        "speed": statistics.median(speeds),
        "waited": (feed.waited - waited) / (whole / (1 + statistics.median(shares))),
    }


def bare_turn(device: "torch.device") -> Callable[[], None]:
    """A turn of the bare step: forward, loss, backward and the optimiser's step, on tensors that lie there already."""
    import torch

    from tasks.training.model import make_targets
    from tasks.training.state import new_state

    state, (_, loss) = new_state(settings(), SIZE, device), classifier_and_loss()
    photos = torch.randn(BATCH, 3, *SIZE, device=device).contiguous(memory_format=torch.channels_last)
    classes = torch.arange(BATCH, device=device) % 18
    targets = make_targets(classes, classes.float(), state.classifier.head_sizes)
    state.classifier.train()

    def turn() -> None:
        for _ in range(BATCHES):
            state.optimiser.zero_grad(set_to_none=True)
            loss(state.classifier, state.classifier(photos), targets).backward()  # type: ignore[no-untyped-call]
            state.optimiser.step()
        wait_for(device)

    return turn


def with_timm(folder: Path, batches: int) -> Numbers:
    """The loop of timm, as its train.py and its users write it."""
    from timm.data import create_dataset, create_loader
    from timm.optim import create_optimizer_v2
    from timm.utils import AverageMeter

    classifier, loss_of = classifier_and_loss()
    dataset = create_dataset("", root=str(folder / "by_class"))
    loader = create_loader(
        dataset, (3, *SIZE), BATCH, is_training=True, num_workers=cores(), device=classifier.device, hflip=0.5
    )
    optimiser, losses = create_optimizer_v2(classifier, opt="adamp", lr=3e-4, weight_decay=1e-2), AverageMeter()
    classifier.train()

    def step(photos: "Tensor", classes: "Tensor") -> None:
        loss = loss_of(classifier, classifier(photos), targets_of(classifier, classes))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.update(loss.item(), len(photos))

    return {"speed": speed_of(step, endless(loader), batches)}


def with_lightning(folder: Path, batches: int) -> Numbers:
    """Lightning's Trainer over torchvision's folder of photos."""
    import lightning
    import torch
    from adamp import AdamP
    from torch.utils.data import DataLoader

    classifier, loss_of = classifier_and_loss()

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier
            self.clock: list[float] = []

        def training_step(self, batch: "tuple[Tensor, Tensor]") -> "Tensor":
            photos, classes = batch
            loss = loss_of(self.classifier, self.classifier(photos), targets_of(self.classifier, classes))
            self.log("loss", loss, prog_bar=True)
            return loss

        def on_train_batch_start(self, *_: object) -> None:
            self.clock.append(time.perf_counter())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            optimiser: torch.optim.Optimizer = AdamP(self.parameters(), lr=3e-4, weight_decay=1e-2)
            return optimiser

    loader: Any = DataLoader(
        torchvision_folder(folder), BATCH, shuffle=True, num_workers=cores(), persistent_workers=True, drop_last=True
    )
    module = Module()
    trainer = lightning.Trainer(
        max_steps=WARM + batches + 1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.fit(module, loader)
    return {"speed": batches * BATCH / (module.clock[WARM + batches] - module.clock[WARM])}


def with_pil(folder: Path, batches: int) -> Numbers:
    """A plain loop: photos opened with PIL in the training process, the loss read at every step."""
    from adamp import AdamP
    from torch.utils.data import DataLoader

    classifier, loss_of = classifier_and_loss()
    optimiser = AdamP(classifier.parameters(), lr=3e-4, weight_decay=1e-2)
    loader: Any = DataLoader(torchvision_folder(folder), BATCH, shuffle=True, num_workers=0, drop_last=True)
    classifier.train()
    running = 0.0

    def step(photos: "Tensor", classes: "Tensor") -> None:
        nonlocal running
        optimiser.zero_grad()
        photos = photos.to(classifier.device)
        loss = loss_of(classifier, classifier(photos), targets_of(classifier, classes))
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        running += loss.item()

    return {"speed": speed_of(step, endless(loader), batches)}


def memory(folder: Path, photos: int) -> Numbers:
    """Memory at its peak, MB, while every one of so many photos is read and changed once.

    Pages of mapped files do not count: they are the system's cache, which it takes back when it needs room.
    """
    import pandas as pd

    from tasks.tables import CROPS
    from tasks.training.data import Crops, Feed

    place = folder / f"photos-{photos}"
    place.mkdir()
    names = [f"{number:05}.jpg" for number in range(photos)]
    shards = np.arange(photos) // 1024
    for shard in range(shards.max() + 1):
        shape = (int((shards == shard).sum()), *SIZE, 3)
        np.lib.format.open_memmap(place / f"crops-{shard:03}.npy", mode="w+", dtype=np.uint8, shape=shape).flush()
    table = pd.DataFrame({"photo": names, "shard": [f"crops-{shard:03}.npy" for shard in shards]})
    CROPS.write(table.assign(row=np.arange(photos) % 1024), place / "crops.parquet")
    catalog = pd.DataFrame({"photo": names, "class": 0, "age": pd.array([20] * photos, "Int16")})
    feed = Feed(Crops({path.name: path for path in place.iterdir()}), catalog, settings())
    own = 0.0
    for _ in feed.batches(np.random.default_rng(1).permutation(photos), epoch=1):
        own = max(own, sum(status(name) for name in ("RssAnon", "RssShmem")))
    return {"own": own}


def status(name: str) -> float:
    """A line of what Linux says of this process's memory, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def speed_of(step: "Callable[[Tensor, Tensor], None]", batches: "Iterator[tuple[Tensor, Tensor]]", count: int) -> float:
    """Photos a second of `count` steps, after WARM others; loading is part of it."""
    for _ in range(WARM):
        step(*next(batches))
    start = time.perf_counter()
    for _ in range(count):
        step(*next(batches))
    return count * BATCH / (time.perf_counter() - start)


def endless(loader: "Iterable[tuple[Tensor, Tensor]]") -> "Iterator[tuple[Tensor, Tensor]]":
    """Epoch after epoch."""
    while True:
        yield from loader


def torchvision_folder(folder: Path) -> Any:  # noqa: ANN401 - torchvision has no types
    """The drawn photos as torchvision reads them."""
    from torchvision import datasets, transforms

    steps = [transforms.Resize(SIZE), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    normalise = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return datasets.ImageFolder(folder / "by_class", transforms.Compose([*steps, normalise]))


def targets_of(classifier: "Classifier", classes: "Tensor") -> Any:  # noqa: ANN401 - Targets, without loading torch here
    """What the classifier should say."""
    from tasks.training.model import make_targets

    classes = classes.to(classifier.device)
    return make_targets(classes, classes.float(), classifier.head_sizes)


def timed(work: Callable[[], None]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def wait_for(device: "torch.device") -> None:
    """Until a GPU has done all that it was given."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def draw(folder: Path) -> None:
    """Photos of people who do not exist; their crops in a store; and links to the photos, a folder a class."""
    from tasks.catalog.step import make_catalog
    from tasks.data_folder.local import LocalFolder
    from tasks.faces.settings import FacesSettings
    from tasks.faces.step import find_boxes
    from tasks.prepare.settings import PrepareSettings
    from tasks.prepare.step import make_crops
    from tasks.sample.draw import draw_sample
    from tasks.sample.settings import SampleSettings
    from tasks.store.folder import FolderBackend
    from tasks.store.ledger import Ledger
    from tasks.tables import CATALOG

    draw_sample(folder / "data", SampleSettings(people=PEOPLE, eval=7))
    ledger, data = Ledger(FolderBackend(folder / "store")), LocalFolder(folder / "data")
    catalog = make_catalog(ledger, data)
    boxes = find_boxes(ledger, data, catalog, FacesSettings(crop="centre"))
    crops = make_crops(ledger, data, catalog, boxes, PrepareSettings(height=SIZE[0], width=SIZE[1]))
    refs = {"catalog": catalog.ref.model_dump(), "crops": crops.ref.model_dump()}
    (folder / "refs.json").write_text(json.dumps(refs))
    photos = CATALOG.read(catalog.path("catalog.parquet")).query("split == 'train'")
    for number, (photo, class_) in enumerate(zip(photos["photo"], photos["class"], strict=True)):
        place = folder / f"by_class/{class_:02}/{number:05}{Path(photo).suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder / "data" / photo)


CONTENDERS: dict[str, Callable[[Path, int], Numbers]] = {
    "ours": ours,
    "timm": with_timm,
    "lightning": with_lightning,
    "pil": with_pil,
}


def main() -> int:
    """Print the figures; 1 if one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, fewer turns: ends within 5 minutes")
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        name, folder, count = options.contender
        print(json.dumps({**CONTENDERS, "memory": memory}[name](Path(folder), int(count))))
        return 0
    if importlib.util.find_spec("lightning") is None:
        print("Lightning is not installed. Run: pip install 'foldline[benchmarks]'", file=sys.stderr)
        return 2
    return report(QUICK_ROUNDS, QUICK_TURNS) if options.quick else report(ROUNDS, TURNS)


def report(count: int, turns: int) -> int:
    """Let all run, and print what they reached."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder)
        rounds = [{name: run(name, folder, turns) for name in CONTENDERS} for _ in range(count)]
        mine = {figure: statistics.mean(numbers["ours"][figure] for numbers in rounds) for figure in rounds[0]["ours"]}
        ratios = {
            rival: statistics.mean(numbers["ours"]["speed"] / numbers[rival]["speed"] for numbers in rounds)
            for rival in ("timm", "lightning", "pil")
        }
        many, few = (run("memory", folder, photos) for photos in (MANY, FEW))
    figures = [
        ("ours_over_bare_step", mine["share"], ">=", 0.97),
        *((f"ours_over_{rival}", ratio, ">", 1.0) for rival, ratio in ratios.items()),
        ("share_of_time_waiting_for_photos", mine["waited"], "<=", 0.03),
        ("memory_of_18900_over_1000_photos_gb", (many["own"] - few["own"]) / 1024, "<=", 1.0),
    ]
    short = False
    for figure, value, sign, goal in figures:
        met = value <= goal if sign == "<=" else value >= goal if sign == ">=" else value > goal
        short |= not met
        print(f"{figure} {value:.3f} {sign}{goal:g} {'ok' if met else 'short'}")
    return int(short)


def run(name: str, folder: Path, count: int) -> Numbers:
    """A contender in a process of its own, with threads that wait as those of `foldline retrain` do."""
    command = [sys.executable, __file__, "--contender", name, str(folder), str(count)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(cores())}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


if __name__ == "__main__":
    sys.exit(main())
