"""Where training runs, and how."""

import os
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from tasks.progress import say

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device() -> torch.device:
    """The first GPU that this process may see, or else the CPU, said aloud.

    From then on the GPU adds up in the same order each time, as a CPU does; what cannot be computed so is an error.
    """
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
        torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's signature
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # finds faults
        return torch.device("cuda")
    say(f"No CUDA device is visible: training on the CPU with {torch.get_num_threads()} threads.")
    return torch.device("cpu")


def device_name() -> str:
    """What `choose_device` chooses, in words for the manifest."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def sent(values: Tensor, device: torch.device) -> Tensor:
    """`values` on the device; a GPU gets them when it comes to them, and nobody waits until then."""
    return values.to(device, non_blocking=True)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Inside the block a GPU computes with numbers of that precision where that is safe; a CPU with float32."""
    half = device.type == "cuda" and precision in DTYPES
    return torch.autocast(device.type, DTYPES.get(precision), enabled=half)


def loader_workers(device: torch.device) -> int:
    """Processes that read photos: enough to keep a GPU busy; beside training on a CPU those cores that it can spare."""
    cores = len(os.sched_getaffinity(0))
    return min(8, cores) if device.type == "cuda" else min(4, cores // 4)
