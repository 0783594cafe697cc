"""What is looked at before a night is spent: the device, the labels, the loss, and how large a batch fits."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from tasks.classes import CLASS_COUNT, class_name
from tasks.errors import DeviceError, TrainingError, fault, raise_faults
from tasks.progress import say
from tasks.training.backbone import thaw
from tasks.training.fit import Course, finite, train_batch
from tasks.training.state import TrainingState

TOLERANCE = 1e-2
"""Largest difference between what a sound GPU and a CPU compute here, relative to the largest value. TF32 rounds to
10 bits (2 ** -11 a number), and sums of 500 of them average that out; broken memory or drivers are off by far more."""
GIGABYTE = 2**30


def check_device(device: torch.device) -> None:
    """Say what training runs on; on a GPU, compare a convolution and a product of matrices with the CPU's results.

    Raises:
        DeviceError: it computes wrongly, or not at all.
    """
    if device.type != "cuda":
        return
    free, total = torch.cuda.mem_get_info(device)
    say(
        f"{torch.cuda.get_device_name(device)}: {free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB free, "
        f"CUDA {torch.version.cuda}, torch {torch.__version__}."
    )
    raise_faults(
        fault(
            "trial computations fail on the GPU",
            list(wrong_computations(device)),
            "Restart the machine or its driver, take another GPU (CUDA_VISIBLE_DEVICES), or none "
            '(CUDA_VISIBLE_DEVICES="").',
        ),
        f"The device {torch.cuda.get_device_name(device)} cannot be trusted",
        DeviceError,
    )


def wrong_computations(device: torch.device) -> Iterator[str]:
    """What the device computes otherwise than the CPU, in words."""
    random = torch.Generator().manual_seed(0)
    photos, filters = (torch.randn(shape, generator=random) for shape in ((4, 16, 32, 32), (32, 16, 3, 3)))
    left, right = (torch.randn((512, 512), generator=random) for _ in range(2))
    trials: tuple[tuple[str, Callable[..., Tensor], tuple[Tensor, Tensor]], ...] = (
        ("a convolution", functional.conv2d, (photos, filters)),
        ("a product of matrices", torch.matmul, (left, right)),
    )
    for name, function, inputs in trials:
        expected = function(*inputs)
        try:
            found = function(*[value.to(device) for value in inputs]).cpu()
        except RuntimeError as error:
            yield f"{name}: {error}"
            continue
        difference = ((found - expected).abs().max() / expected.abs().max()).item()
        if not difference < TOLERANCE:
            yield f"{name}, which differs from the CPU's by {difference:.2g} of its largest value"


def check_labels(photos: pd.DataFrame) -> None:
    """See that all photos, rows of the catalog, have a class from 0 to 17 and an age. Raises DataError."""
    classless = photos.loc[~photos["class"].isin(range(CLASS_COUNT)), "photo"].tolist()
    ageless = photos.loc[photos["age"].isna(), "photo"].tolist()
    raise_faults(
        (
            *fault("training photos have no class from 0 to 17", classless, "Correct train.csv."),
            *fault("training photos have no age", ageless, "Correct train.csv."),
        ),
        "The photos cannot be trained on",
    )


def tell_missing_classes(classes: Tensor) -> None:
    """Say which of the 18 classes no photo to train on has: nobody will be taken for them, and they score 0."""
    missing = sorted(set(range(CLASS_COUNT)) - set(classes.tolist()))
    if missing:
        say(f"{len(missing)} classes have no photo to train on, such as {class_name(missing[0])}: they will score 0.")


def fitting_parts(course: Course, state: TrainingState) -> int:
    """In how many parts a batch must be worked through so that it fits into memory, found by trying on a copy.

    What a GPU cannot add up in the same order each time it may then add up in any, which is said aloud.

    Raises:
        TrainingError: the loss of the first batch is not finite, or not even two photos fit.
    """
    parts = course.parts
    while True:
        try:
            _try_batch(course, state, parts)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            most = course.settings.batch_size // 2
            if parts >= most:
                raise TrainingError(
                    "Not even two photos fit into the memory of the device. Free memory on it, or use smaller crops "
                    "(prepare.height, prepare.width) or a smaller training.backbone."
                ) from error
            parts = min(2 * parts, most)
            say(
                f"A batch of {course.settings.batch_size} photos does not fit into memory: trying {parts} parts, one "
                "after another. Steps stay the same, but for batch norms and the loss f1, which see the parts."
            )
        except RuntimeError as error:
            if "does not have a deterministic implementation" not in str(error):
                raise
            torch.use_deterministic_algorithms(False)  # noqa: FBT003 - torch's signature
            torch.backends.cudnn.deterministic = True
            say(
                f"{course.settings.backbone} cannot be trained on a GPU to the same bits each time: torch says that "
                f"{error}"
            )
        else:
            return parts


def _try_batch(course: Course, state: TrainingState, parts: int) -> None:
    """A whole step, as training would take it, on a copy of everything that it changes.

    Raises:
        TrainingError: the loss is not finite.
        torch.OutOfMemoryError: it does not fit.
    """
    settings, trial = course.settings, copy.deepcopy(state)
    if settings.thaw_after:  # training will need that much memory then
        thaw(trial.classifier.backbone)
    batch = next(course.feed.batches(course.rows.training[: settings.batch_size], epoch=1))
    trial.classifier.train()
    loss = train_batch(replace(course, parts=parts), trial, batch, np.random.default_rng(settings.seed))
    finite(loss, batch, epoch=1)
