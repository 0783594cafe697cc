"""Where training runs."""

import torch

from tasks.progress import say


def choose_device() -> torch.device:
    """The first GPU that this process may see, or else the CPU, said aloud."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    say(f"No CUDA device is visible: training on the CPU with {torch.get_num_threads()} threads.")
    return torch.device("cpu")


def device_name() -> str:
    """What `choose_device` chooses, in words for the manifest."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
