"""Training: ours against the bare step, timm's loop, Lightning's Trainer, and a plain loop over PIL; and its memory.

    .venv/bin/pip install 'foldline[benchmarks]'
    .venv/bin/python benchmarks/training.py [--quick]

All train the same network with three heads by the same loss: EfficientNet-Lite0 in batches of 32 crops of 192 x 152,
or, where there is a GPU, EfficientNet-B4 in batches of 64 crops of 350 x 350, with numbers of 16 bits. Ours reads the
crops; the bare step has them in memory; the others read the drawn photos, as their users do, and shrink them to that
size, with settings that are not theirs by default left alone (such as channels last in memory). Ours and the bare step
take turns in one process, and their figure is the median of the turns' ratios; the others run in processes of their
own, in the same rounds. Prints a line a figure, `name value goal ok|short`; exits 1 if one is short.
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
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from tasks.training.loss import Loss
    from tasks.training.model import Classifier, Targets
    from tasks.training.settings import TrainingSettings

PEOPLE = 96
ROUNDS, QUICK_ROUNDS = 2, 1
WARM = 3
"""Batches before the clock starts."""
MANY, FEW = 18_900, 1_000
"""Photos whose memory is compared."""

Numbers = dict[str, float]


@dataclass(frozen=True)
class Work:
    """What all contenders do.

    Attributes:
        backbone: the network, without its weights.
        size: height and width of the crops.
        batch: photos a step.
        precision: numbers that are computed with.
        optimiser: that of most experiments, or one that does not keep a GPU waiting itself.
        batches: of a turn. What else a machine does falls into few of many short turns, and the median passes over it;
            yet each turn begins with no photo ready, as an epoch does, which must not weigh more than there.
        turns: of a round, of ours and the bare step each; in full, and quick.
        rival_batches: batches of each rival in a round; in full, and quick.
    """

    backbone: str
    size: tuple[int, int]
    batch: int
    precision: Literal["float32", "bfloat16"]
    optimiser: Literal["adamp", "adamw"]
    batches: int
    turns: tuple[int, int]
    rival_batches: tuple[int, int]


SMALL = Work("tf_efficientnet_lite0", (192, 152), 32, "float32", "adamp", 3, (20, 16), (20, 16))
LARGE = Work("tf_efficientnet_b4", (350, 350), 64, "bfloat16", "adamw", 50, (8, 4), (100, 50))


@cache
def work() -> Work:
    """What suits this machine."""
    import torch

    return LARGE if torch.cuda.is_available() else SMALL


def settings(work: Work) -> "TrainingSettings":
    """Photos changed in all the common ways."""
    from tasks.training.settings import AugmentSettings, LossSettings, OptimiserSettings, TrainingSettings

    return TrainingSettings(
        backbone=work.backbone,
        pretrained=False,
        batch_size=work.batch,
        precision=work.precision,
        epochs=1000,
        loss=LossSettings(gamma=2),
        optimiser=OptimiserSettings(name=work.optimiser),
        augment=AugmentSettings(flip=0.5, shake=0.08, light=0.2),
    )


def classifier_and_loss() -> "tuple[Classifier, Loss]":
    """What all contenders train, and by what."""
    import torch

    from tasks.training.loss import Loss
    from tasks.training.model import make_classifier

    torch.manual_seed(1)
    chosen = settings(work())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    classifier = make_classifier(chosen, work().size).to(device)
    return classifier, Loss(chosen, torch.arange(18), classifier.head_sizes)


def make_optimiser(classifier: "Classifier") -> "torch.optim.Optimizer":
    """The optimiser of the rivals that bring none."""
    import torch
    from adamp import AdamP

    optimiser = {"adamp": AdamP, "adamw": torch.optim.AdamW}[work().optimiser]
    made: torch.optim.Optimizer = optimiser(classifier.parameters(), lr=3e-4, weight_decay=1e-2)
    return made


def loss_on(classifier: "Classifier", loss: "Loss", photos: "Tensor", targets: "Targets") -> "Tensor":
    """The loss of a batch that lies where the classifier is."""
    from tasks.training.device import autocast

    with autocast(classifier.device, work().precision):
        logits = classifier(photos)
    return loss(classifier, logits, targets)


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
    device, chosen, many = choose_device(), settings(work()), work().batches * work().batch
    feed = Feed(Crops(crops.paths()), photos, chosen, loader_workers(device))
    rows = np.arange(len(photos))
    state = new_state(chosen, work().size, device)
    loss = Loss(chosen, feed.classes, state.classifier.head_sizes)
    course = Course(feed, FoldRows(rows, rows, rows), chosen, loss, 1, "benchmark")
    bare = bare_turn(device)

    def end_to_end(number: int) -> None:
        order = np.resize(np.random.default_rng(number).permutation(rows), many)
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
        speeds.append(many / our_time)
    whole = time.perf_counter() - start
    return {
        "share": statistics.median(shares),
        "speed": statistics.median(speeds),
        "waited": (feed.waited - waited) / (whole / (1 + statistics.median(shares))),
    }


def bare_turn(device: "torch.device") -> Callable[[], None]:
    """A turn of the bare step: forward, loss, backward and the optimiser's step, on tensors that lie there already."""
    import torch

    from tasks.training.state import new_state

    state, (_, loss) = new_state(settings(work()), work().size, device), classifier_and_loss()
    photos = torch.randn(work().batch, 3, *work().size, device=device).contiguous(memory_format=torch.channels_last)
    targets = targets_of(state.classifier, torch.arange(work().batch) % 18)
    state.classifier.train()

    def turn() -> None:
        for _ in range(work().batches):
            state.optimiser.zero_grad(set_to_none=True)
            loss_on(state.classifier, loss, photos, targets).backward()  # type: ignore[no-untyped-call]
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
        dataset,
        (3, *work().size),
        work().batch,
        is_training=True,
        num_workers=cores(),
        device=classifier.device,
        hflip=0.5,
    )
    optimiser = create_optimizer_v2(classifier, opt=work().optimiser, lr=3e-4, weight_decay=1e-2)
    losses = AverageMeter()
    classifier.train()

    def step(photos: "Tensor", classes: "Tensor") -> None:
        loss = loss_on(classifier, loss_of, photos, targets_of(classifier, classes))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.update(loss.item(), len(photos))

    return {"speed": speed_of(step, endless(loader), batches)}


def with_lightning(folder: Path, batches: int) -> Numbers:
    """Lightning's Trainer over torchvision's folder of photos."""
    import lightning
    import torch
    from torch.utils.data import DataLoader

    classifier, loss_of = classifier_and_loss()

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier
            self.clock: list[float] = []

        def training_step(self, batch: "tuple[Tensor, Tensor]") -> "Tensor":
            photos, classes = batch
            loss = loss_on(self.classifier, loss_of, photos, targets_of(self.classifier, classes))
            self.log("loss", loss, prog_bar=True)
            return loss

        def on_train_batch_start(self, *_: object) -> None:
            self.clock.append(time.perf_counter())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return make_optimiser(self.classifier)

    loader: Any = DataLoader(
        torchvision_folder(folder),
        work().batch,
        shuffle=True,
        num_workers=cores(),
        persistent_workers=True,
        drop_last=True,
    )
    module = Module()
    module.train()  # Lightning leaves a module in the mode in which it finds it
    trainer = lightning.Trainer(
        max_steps=WARM + batches + 1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.fit(module, loader)
    return {"speed": batches * work().batch / (module.clock[WARM + batches] - module.clock[WARM])}


def with_pil(folder: Path, batches: int) -> Numbers:
    """A plain loop: photos opened with PIL in the training process, the loss read at every step."""
    from torch.utils.data import DataLoader

    classifier, loss_of = classifier_and_loss()
    optimiser = make_optimiser(classifier)
    loader: Any = DataLoader(torchvision_folder(folder), work().batch, shuffle=True, num_workers=0, drop_last=True)
    classifier.train()
    running = 0.0

    def step(photos: "Tensor", classes: "Tensor") -> None:
        nonlocal running
        optimiser.zero_grad()
        photos = photos.to(classifier.device)
        loss = loss_on(classifier, loss_of, photos, targets_of(classifier, classes))
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
        shape = (int((shards == shard).sum()), *SMALL.size, 3)
        np.lib.format.open_memmap(place / f"crops-{shard:03}.npy", mode="w+", dtype=np.uint8, shape=shape).flush()
    table = pd.DataFrame({"photo": names, "shard": [f"crops-{shard:03}.npy" for shard in shards]})
    CROPS.write(table.assign(row=np.arange(photos) % 1024), place / "crops.parquet")
    catalog = pd.DataFrame({"photo": names, "class": 0, "age": pd.array([20] * photos, "Int16")})
    feed = Feed(Crops({path.name: path for path in place.iterdir()}), catalog, settings(SMALL))
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
    return count * work().batch / (time.perf_counter() - start)


def endless(loader: "Iterable[tuple[Tensor, Tensor]]") -> "Iterator[tuple[Tensor, Tensor]]":
    """Epoch after epoch."""
    while True:
        yield from loader


def torchvision_folder(folder: Path) -> Any:  # noqa: ANN401 - torchvision has no types
    """The drawn photos as torchvision reads them."""
    from torchvision import datasets, transforms

    steps = [transforms.Resize(work().size), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    normalise = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return datasets.ImageFolder(folder / "by_class", transforms.Compose([*steps, normalise]))


def targets_of(classifier: "Classifier", classes: "Tensor") -> "Targets":
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
    crops = make_crops(ledger, data, catalog, boxes, PrepareSettings(height=work().size[0], width=work().size[1]))
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
    return report(QUICK_ROUNDS if options.quick else ROUNDS, options.quick)


def report(count: int, quick: bool) -> int:
    """Let all run, and print what they reached."""
    turns, batches = work().turns[quick], work().rival_batches[quick]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder)
        rounds = [
            {name: run(name, folder, turns if name == "ours" else batches) for name in CONTENDERS} for _ in range(count)
        ]
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
