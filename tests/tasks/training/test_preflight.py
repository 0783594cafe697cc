from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tasks.classes import CLASS_COUNT, class_name
from tasks.errors import DataError, TrainingError
from tasks.progress import reporting_to
from tasks.training.model import Classifier
from tasks.training.preflight import check_labels, fitting_parts, tell_missing_classes, wrong_computations
from tasks.training.settings import TrainingSettings
from tasks.training.state import new_state
from tests.notebook import Notebook
from tests.tasks.training.conftest import CPU, Lab, small_memory


def test_sound_device_computes_what_the_cpu_computes() -> None:
    assert list(wrong_computations(CPU)) == []


def test_device_that_computes_wrongly_is_told_with_what_it_got_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    honest, calls = functional.conv2d, iter([0.0, 0.5])

    def lying(*inputs: Tensor) -> Tensor:
        return honest(*inputs) * (1 + next(calls))

    monkeypatch.setattr(functional, "conv2d", lying)
    assert [text[:51] for text in wrong_computations(CPU)] == ["a convolution, which differs from the CPU's by 0.5 "]


def test_device_that_does_not_compute_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    honest, calls = torch.matmul, iter([False, True])

    def failing(*inputs: Tensor) -> Tensor:
        if next(calls):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return honest(*inputs)

    monkeypatch.setattr(torch, "matmul", failing)
    assert list(wrong_computations(CPU)) == [
        "a product of matrices: CUDA error: an illegal memory access was encountered"
    ]


def test_training_photos_without_class_or_age_are_counted_and_one_is_named(photos: pd.DataFrame) -> None:
    broken = photos.astype({"class": "Int8"})
    broken.loc[[3, 5], "class"] = pd.NA
    broken.loc[7, "age"] = pd.NA
    broken.loc[8, "class"] = 18
    check_labels(broken[:3])
    with pytest.raises(DataError, match=r"3 training photos have no class from 0 to 17, such as 03\.jpg") as raised:
        check_labels(broken)
    assert "1 training photos have no age, such as 07.jpg" in str(raised.value)


def test_classes_that_nobody_can_be_taken_for_are_said_aloud() -> None:
    notebook = Notebook()
    with reporting_to(notebook):
        tell_missing_classes(torch.arange(CLASS_COUNT))
        tell_missing_classes(torch.arange(3, CLASS_COUNT))
    assert notebook.lines == [f"3 classes have no photo to train on, such as {class_name(0)}: they will score 0."]


@pytest.mark.parametrize(("most", "parts"), [(8, 1), (4, 2), (3, 4), (2, 4)])
def test_batch_is_worked_through_in_so_many_parts_that_it_fits(
    lab: Lab, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch, most: int, parts: int
) -> None:
    small_memory(monkeypatch, most)
    notebook = Notebook()
    with reporting_to(notebook):
        assert fitting_parts(lab.course(tiny), new_state(tiny, (32, 32), CPU)) == parts
    assert any("does not fit into memory" in line for line in notebook.lines) is (parts > 1)


def test_memory_that_holds_not_even_two_photos_is_an_error(
    lab: Lab, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_memory(monkeypatch, 1)
    with pytest.raises(TrainingError, match="Not even two photos fit"):
        fitting_parts(lab.course(tiny), new_state(tiny, (32, 32), CPU))


@pytest.fixture
def one_order() -> Iterator[None]:
    """torch's setting that a GPU adds up in the same order each time."""
    torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's signature
    yield
    torch.use_deterministic_algorithms(False)  # noqa: FBT003


@pytest.mark.usefixtures("one_order")
def test_network_that_can_only_be_added_up_in_any_order_is_trained_all_the_same_and_told(
    lab: Lab, tiny: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Classifier.forward

    def forward(self: Classifier, photos: Tensor) -> Tensor:
        if torch.are_deterministic_algorithms_enabled():
            raise RuntimeError("pool_backward_cuda does not have a deterministic implementation")
        return honest(self, photos)

    monkeypatch.setattr(Classifier, "forward", forward)
    notebook = Notebook()
    with reporting_to(notebook):
        assert fitting_parts(lab.course(tiny), new_state(tiny, (32, 32), CPU)) == 1
    assert [line[:80] for line in notebook.lines] == [
        "test_resnet.r160_in1k cannot be trained on a GPU to the same bits each time: tor"
    ]


def test_loss_that_is_no_number_is_found_before_the_first_epoch(lab: Lab, tiny: TrainingSettings) -> None:
    course = lab.course(tiny)
    state = new_state(tiny, (32, 32), CPU)
    with torch.no_grad():
        state.classifier.heads.weight.fill_(float("inf"))
    with pytest.raises(TrainingError, match="The loss is nan"):
        fitting_parts(course, state)


def test_preflight_changes_no_result(lab: Lab, tiny: TrainingSettings) -> None:
    settings = tiny.model_copy(update={"dropout": 0.2, "ema": 0.9, "epochs": 1})
    plain = lab.fit(settings).classifier.state_dict()
    lab.checkpoints.drop()
    state, course = new_state(settings, (32, 32), CPU), lab.course(settings)
    course = replace(course, parts=fitting_parts(course, state))
    flown = lab.fit(settings, state, course).classifier.state_dict()
    assert all(torch.equal(value, flown[name]) for name, value in plain.items())
