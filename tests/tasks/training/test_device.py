import os

import pytest
import torch

from tasks.progress import reporting_to
from tasks.training.device import autocast, choose_device, loader_workers
from tests.notebook import Notebook
from tests.tasks.training.conftest import CPU


def test_training_on_the_cpu_is_said_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    notebook = Notebook()
    with reporting_to(notebook):
        assert choose_device() == CPU
    assert notebook.lines == [f"No CUDA device is visible: training on the CPU with {torch.get_num_threads()} threads."]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_cpu_computes_with_32_bits_whatever_is_asked_for(precision: str) -> None:
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize(("cores", "beside_cpu", "beside_gpu"), [(1, 0, 1), (2, 0, 2), (8, 2, 8), (64, 4, 8)])
def test_photos_are_read_by_cores_that_can_be_spared(
    monkeypatch: pytest.MonkeyPatch, cores: int, beside_cpu: int, beside_gpu: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert loader_workers(CPU) == beside_cpu
    assert loader_workers(torch.device("cuda")) == beside_gpu
