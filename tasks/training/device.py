"""Where training runs, and how."""

import os
from contextlib import AbstractContextManager

import torch

from tasks.progress import say

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device() -> torch.device:
    """The first GPU that this process may see, or else the CPU, said aloud."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    say(f"No CUDA device is visible: training on the CPU with {torch.get_num_threads()} threads.")
    return torch.device("cpu")


def device_name() -> str:
    """What `choose_device` chooses, in words for the manifest."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Inside the block a GPU computes with numbers of that precision where that is safe; a CPU with float32."""
    half = device.type == "cuda" and precision in DTYPES
    return torch.autocast(device.type, DTYPES.get(precision), enabled=half)


def loader_workers(device: torch.device) -> int:
    """Processes that read photos: enough to keep a GPU busy; beside training on a CPU those cores that it can spare."""
    cores = len(os.sched_getaffinity(0))
    return min(8, cores) if device.type == "cuda" else min(4, cores // 4)
