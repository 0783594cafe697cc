"""Everything that training needs to go on after an epoch, and nothing that needs pickle.

Random numbers are no part of it: what is drawn in an epoch follows from the seed and the epoch's number alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from safetensors.torch import load_file, save_file
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from tasks.training.backbone import Size
from tasks.training.model import Classifier, make_classifier
from tasks.training.optimiser import make_optimiser
from tasks.training.settings import TrainingSettings

TENSORS, NUMBERS = "state.safetensors", "state.json"
"""The two files of a state."""


@dataclass(frozen=True)
class Snapshot:
    """The weights after an epoch, on the CPU, and the loss on the fold's own photos."""

    epoch: int
    loss: float
    weights: dict[str, Tensor]


@dataclass
class TrainingState:
    """What training changes from step to step.

    Attributes:
        classifier: what is trained.
        optimiser: moves its weights.
        scaler: keeps the gradients of 16-bit floats in their range; does nothing with others.
        running_mean: of the weights, if there is one.
        epoch: number of epochs that have ended.
        history: a row an epoch, but for which epochs are kept.
        snapshots: of the epochs that are kept so far.
    """

    classifier: Classifier
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    running_mean: ModelEmaV3 | None
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def scored(self) -> Classifier:
        """The classifier whose weights are scored and kept."""
        scored: Classifier = self.running_mean.module if self.running_mean else self.classifier
        return scored

    def end_epoch(self, row: dict[str, float], settings: TrainingSettings) -> None:
        """Note how an epoch went, and take a snapshot if the settings may keep it."""
        self.epoch += 1
        self.history.append(row)
        weights = {name: value.detach().cpu().clone() for name, value in self.scored.state_dict().items()}
        self.snapshots.append(Snapshot(self.epoch, row["valid_loss"], weights))
        if settings.keep == "best":
            self.snapshots.sort(key=lambda snapshot: (snapshot.loss, snapshot.epoch))
            del self.snapshots[settings.average :]
        else:
            del self.snapshots[: -settings.average]

    def write(self, folder: Path) -> None:
        """Write the files of this state into `folder`."""
        save_file({name: _plain(value) for name, value in self._tensors()}, folder / TENSORS)
        numbers = {
            "epoch": self.epoch,
            "history": self.history,
            "snapshots": [[snapshot.epoch, snapshot.loss] for snapshot in self.snapshots],
            "optimiser": self._optimiser_numbers(),
            "scaler": self.scaler.state_dict(),
        }
        (folder / NUMBERS).write_text(json.dumps(numbers, allow_nan=False))

    def read(self, files: Mapping[str, Path]) -> None:
        """Become the state that `write` wrote, to the bit."""
        tensors = load_file(files[TENSORS])
        numbers = json.loads(files[NUMBERS].read_text())
        self.classifier.load_state_dict(_part(tensors, "classifier"))
        if self.running_mean:
            self.running_mean.module.load_state_dict(_part(tensors, "running_mean"))
        self._read_optimiser(_part(tensors, "optimiser"), numbers["optimiser"])
        if numbers["scaler"]:  # there is none of a training that began on a CPU
            self.scaler.load_state_dict(numbers["scaler"])
        self.epoch, self.history = numbers["epoch"], numbers["history"]
        self.snapshots = [
            Snapshot(epoch, loss, _part(tensors, f"snapshot.{epoch}")) for epoch, loss in numbers["snapshots"]
        ]

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        parts: dict[str, Mapping[str, Tensor]] = {"classifier": self.classifier.state_dict()}
        if self.running_mean:
            parts["running_mean"] = self.running_mean.module.state_dict()
        parts |= {f"snapshot.{snapshot.epoch}": snapshot.weights for snapshot in self.snapshots}
        parts["optimiser"] = {
            f"{place}.{name}": value for place, name, value in self._optimiser_items() if _is_tensor(value)
        }
        for part, values in parts.items():
            yield from ((f"{part}.{name}", value) for name, value in values.items())

    def _optimiser_items(self) -> Iterator[tuple[int, str, Any]]:
        for place, values in self.optimiser.state_dict()["state"].items():
            yield from ((place, name, value) for name, value in values.items())

    def _optimiser_numbers(self) -> dict[str, JsonValue]:
        return {f"{place}.{name}": value for place, name, value in self._optimiser_items() if not _is_tensor(value)}

    def _read_optimiser(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        weights = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        state: dict[int, dict[str, Any]] = {}
        for key, value in sorted({**tensors, **numbers}.items(), key=lambda item: int(item[0].partition(".")[0])):
            place, _, name = key.partition(".")
            state.setdefault(int(place), {})[name] = _laid_out(value, weights[int(place)])
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})


def new_state(settings: TrainingSettings, size: Size, device: torch.device) -> TrainingState:
    """The state before the first epoch, for crops of that height and width, pixels.

    Raises what `make_classifier` and `make_optimiser` raise.
    """
    torch.manual_seed(settings.seed)
    classifier = make_classifier(settings, size).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainingState(
        classifier,
        make_optimiser(classifier, settings.optimiser),
        torch.amp.GradScaler(device.type, enabled=settings.precision == "float16" and device.type == "cuda"),
        ModelEmaV3(classifier, settings.ema, use_warmup=True) if settings.ema else None,
    )


def mean_weights(snapshots: Sequence[Snapshot]) -> dict[str, Tensor]:
    """The mean of the snapshots' weights; counters are those of the first."""
    first = snapshots[0].weights
    return {
        name: torch.stack([snapshot.weights[name] for snapshot in snapshots]).mean(dim=0)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous()


def _laid_out(value: Any, weight: Tensor) -> Any:  # noqa: ANN401 - an optimiser keeps tensors and numbers
    """A tensor in the order in memory of the weight it is about: sums in another order would differ in the last bit."""
    if isinstance(value, Tensor) and value.shape == weight.shape:
        return torch.empty_like(weight, requires_grad=False).copy_(value)
    return value
