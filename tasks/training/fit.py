"""Training of one fold, read from top to bottom."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, starmap

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tasks.classes import AGE_GROUPS
from tasks.errors import TrainingError
from tasks.progress import Advance, say
from tasks.store.checkpoints import Checkpoints
from tasks.training.backbone import thaw
from tasks.training.curves import Draw
from tasks.training.data import Batch, Feed, Rows, seed_of
from tasks.training.device import autocast, sent
from tasks.training.discriminant import set_heads
from tasks.training.loss import Loss
from tasks.training.mixing import half_cutmix, mixup
from tasks.training.model import Classifier
from tasks.training.optimiser import set_rate
from tasks.training.sampling import training_order
from tasks.training.schedule import rate_factor
from tasks.training.score import fitting, normalised, prepare_targets, score, views
from tasks.training.settings import TrainingSettings
from tasks.training.state import TrainingState, mean_weights


@dataclass(frozen=True)
class FoldRows:
    """Rows of a feed by what a fold does with them."""

    training: Rows
    held_out: Rows
    evaluation: Rows


@dataclass(frozen=True)
class Course:
    """What stays the same throughout a training.

    Attributes:
        feed: the photos.
        rows: what the fold does with them.
        settings: how to train.
        loss: what is made small.
        parts: parts that each batch is worked through in, one after another.
        name: what progress calls the training.
    """

    feed: Feed
    rows: FoldRows
    settings: TrainingSettings
    loss: Loss
    parts: int
    name: str


@dataclass(frozen=True)
class Fit:
    """What training gave.

    Attributes:
        classifier: with the weights that were kept, in scoring mode.
        history: a row an epoch, as `tasks.tables.HISTORY` says.
        speed: photos a second in training, as this process saw it; 0 if it trained no epoch.
        waited: share of that time in which training waited for photos, 0..1.
    """

    classifier: Classifier
    history: pd.DataFrame
    speed: float
    waited: float


def fit(course: Course, state: TrainingState, checkpoints: Checkpoints, advance: Advance, draw: Draw) -> Fit:
    """Train for the epochs that are left, and keep the best or the last ones, as the settings say.

    Args:
        course: photos, settings and loss.
        state: where training stands; it is changed.
        checkpoints: where the state is kept after every epoch.
        advance: is told of photos that have been trained on or scored.
        draw: is told every row of the history.

    Raises:
        TrainingError: a loss is not finite; the message says in which epoch, and on which photos.
    """
    settings, clock = course.settings, Clock()
    for epoch in range(state.epoch + 1, settings.epochs + 1):
        row = run_epoch(course, state, epoch, clock, advance)
        state.end_epoch(row, settings)
        checkpoints.save(epoch, state.write)
        draw(row)
    classifier = state.scored
    classifier.load_state_dict(mean_weights(state.snapshots))
    kept = {snapshot.epoch for snapshot in state.snapshots}
    history = pd.DataFrame(state.history).assign(kept=lambda rows: rows["epoch"].isin(kept))
    return Fit(classifier.eval(), history, clock.speed, clock.share_waited)


class Clock:
    """Adds up how long training takes."""

    def __init__(self) -> None:
        self._photos, self._seconds, self._waited = 0, 0.0, 0.0

    @contextmanager
    def timing(self, feed: Feed, photos: int) -> Iterator[None]:
        """Add the time of the block, in which so many photos are trained on."""
        start, waited = time.perf_counter(), feed.waited
        yield
        self._photos += photos
        self._seconds += time.perf_counter() - start
        self._waited += feed.waited - waited

    @property
    def speed(self) -> float:
        """Photos a second."""
        return self._photos / self._seconds if self._photos else 0.0

    @property
    def share_waited(self) -> float:
        """Share of the time in which training waited for photos, 0..1."""
        return self._waited / self._seconds if self._photos else 0.0


def run_epoch(course: Course, state: TrainingState, epoch: int, clock: Clock, advance: Advance) -> dict[str, float]:
    """Train for an epoch and score the fold's own photos; returns the epoch's row of the history."""
    settings, rows = course.settings, course.rows
    # What layers draw, such as dropout, follows from the epoch alone: an epoch can be begun without the ones before it.
    torch.manual_seed(seed_of(settings.seed, epoch))
    if settings.thaw_after and epoch > settings.thaw_after:
        thaw(state.classifier.backbone)
    if epoch == 1 and settings.first_epoch == "discriminant":
        with clock.timing(course.feed, len(rows.training)):
            train_loss = compute_heads(course, state, advance)
        rate = 0.0
    else:
        order = training_order(rows.training, course.feed.classes[rows.training].numpy(), settings, epoch)
        with clock.timing(course.feed, len(order)):
            train_loss = train_epoch(course, state, order, epoch, advance)
        rate = first_rate(settings, epoch, len(order))
    scored = score(state.scored, course.feed, rows.held_out, course.loss, settings, advance)
    if not math.isfinite(scored.loss):
        raise TrainingError(
            f"The loss on the fold's own {len(rows.held_out)} photos is {scored.loss} after epoch {epoch}. "
            "Lower training.optimiser.learning_rate."
        )
    row = {"epoch": epoch, "learning_rate": rate, "train_loss": train_loss, **scored.figures()}
    say(
        f"{course.name}, epoch {epoch} of {settings.epochs}: loss {train_loss:.3f}, held out {scored.loss:.3f}, "
        f"macro F1 {row['macro_f1']:.3f}"
    )
    return row


def first_rate(settings: TrainingSettings, epoch: int, photos: int) -> float:
    """Learning rate of the first step of an epoch of so many photos."""
    steps = math.ceil(photos / settings.batch_size)
    factor = rate_factor(settings.schedule, settings.epochs, (epoch - 1) * steps, steps)
    return settings.optimiser.learning_rate * factor


@torch.no_grad()
def compute_heads(course: Course, state: TrainingState, advance: Advance) -> float:
    """Make the heads the discriminants of the training photos; returns the mean loss.

    Photos are looked at as they are scored, mirrored ones too if the settings ask for it. The optimiser has not taken a
    step yet, so it remembers nothing of the heads that were.

    Raises:
        TrainingError: what the backbone says is not finite; the message names the batch's photos.
    """
    settings, feed, rows, classifier = course.settings, course.feed, course.rows.training, state.classifier.eval()
    said: list[list[Tensor]] = []
    for batch in feed.batches(rows):
        pixels = views(batch, classifier, settings)
        said.append([features_of(classifier, view, batch, settings).cpu() for view in pixels])
        advance(len(batch.photos), f"epoch 1 of {settings.epochs}, computing heads")
    together = [torch.cat(view) for view in zip(*said, strict=True)]
    set_heads(classifier, torch.cat(together), feed.classes[rows].repeat(len(together)), settings.shrinkage)
    if state.running_mean:
        state.running_mean.set(classifier)
    targets = prepare_targets(feed.classes[rows], feed.ages[rows], classifier)
    losses = [course.loss(classifier, classifier.read(view.to(classifier.device)), targets) for view in together]
    return torch.stack(losses).mean().item()


def features_of(classifier: Classifier, pixels: Tensor, batch: Batch, settings: TrainingSettings) -> Tensor:
    """What the backbone says of a batch, photos x features. Raises TrainingError if it is not finite."""
    with autocast(pixels.device, settings.precision):
        features = fitting(classifier.backbone, pixels).float()
    if not features.isfinite().all():
        raise TrainingError(
            f"What the backbone says of a batch of {len(batch.photos)} photos such as {batch.photos[0]} is not finite. "
            f"Use training.precision=float32, or look at these photos: {', '.join(batch.photos)}."
        )
    return features


def train_epoch(course: Course, state: TrainingState, order: Rows, epoch: int, advance: Advance) -> float:
    """One pass over the photos in `order`; returns the mean loss. Raises TrainingError if a loss is not finite."""
    settings = course.settings
    state.classifier.train()
    random = np.random.default_rng([settings.seed, epoch, 1])
    steps = math.ceil(len(order) / settings.batch_size)
    losses: list[float] = []
    before: tuple[Tensor, Batch] | None = None
    for step, batch in enumerate(course.feed.batches(order, epoch), start=(epoch - 1) * steps):
        factor = rate_factor(settings.schedule, settings.epochs, step, steps)
        set_rate(state.optimiser, settings.optimiser.learning_rate * factor)
        loss = train_batch(course, state, batch, random)
        # A GPU is still at work on this step: to ask for its loss now would be to wait for it.
        if before:
            losses.append(finite(*before, epoch))
        before = loss, batch
        if state.running_mean:
            state.running_mean.update(state.classifier, step)
        seen = f", loss {losses[-1]:.3f}" if losses else ""
        advance(len(batch.photos), f"epoch {epoch} of {settings.epochs}{seen}")
    if before:
        losses.append(finite(*before, epoch))
    sizes = [min(settings.batch_size, len(order) - start) for start in range(0, len(order), settings.batch_size)]
    return float(np.average(losses, weights=sizes))


def train_batch(course: Course, state: TrainingState, batch: Batch, random: np.random.Generator) -> Tensor:
    """One step of the optimiser on a batch, worked through in parts; returns its mean loss, on the device."""
    settings, classifier = course.settings, state.classifier
    pixels = normalised(batch, classifier, settings)
    targets = prepare_targets(batch.classes, batch.ages, classifier)
    pixels, targets = mixup(pixels, targets, settings.augment.mixup, random)
    old = sent(batch.classes % len(AGE_GROUPS) == len(AGE_GROUPS) - 1, pixels.device)
    pixels, targets = half_cutmix(pixels, targets, old, settings.augment.half_cutmix, random)
    state.optimiser.zero_grad(set_to_none=True)
    total = torch.zeros((), device=pixels.device)
    for part in split(len(pixels), course.parts):
        with autocast(pixels.device, settings.precision):
            logits = classifier(pixels[part])
        loss = course.loss(classifier, logits, targets.part(part)) * (len(logits) / len(pixels))
        state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    if settings.optimiser.clip:
        state.scaler.unscale_(state.optimiser)
        torch.nn.utils.clip_grad_norm_(classifier.parameters(), settings.optimiser.clip)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    return total


def split(photos: int, parts: int) -> Iterator[slice]:
    """So many parts of a batch, as even as can be; fewer if they would be of one photo, which batch norms refuse."""
    parts = max(1, min(parts, photos // 2))
    edges = [photos * part // parts for part in range(parts + 1)]
    return starmap(slice, pairwise(edges))


def finite(loss: Tensor, batch: Batch, epoch: int) -> float:
    """The loss of a batch as a number. Raises TrainingError if it is none; the message names the batch's photos."""
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss is {value} in epoch {epoch}, on a batch of {len(batch.photos)} photos such as "
            f"{batch.photos[0]}. Lower training.optimiser.learning_rate, or look at these photos: "
            f"{', '.join(batch.photos)}."
        )
    return value
