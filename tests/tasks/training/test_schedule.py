import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR, StepLR

from tasks.training.schedule import rate_factor
from tasks.training.settings import ScheduleSettings

EPOCHS, STEPS = 6, 4


def torchs(make: type[LRScheduler], *args: object, count: int, **options: object) -> list[float]:
    """The factors that a scheduler of torch's gives, `count` times in a row."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimiser, *args, **options)  # type: ignore[arg-type]
    factors = []
    for _ in range(count):
        factors.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return factors


def ours(settings: ScheduleSettings) -> list[float]:
    return [rate_factor(settings, EPOCHS, step, STEPS) for step in range(EPOCHS * STEPS)]


@pytest.mark.parametrize(
    ("settings", "scheduler", "args"),
    [
        (ScheduleSettings(name="multistep", milestones=(2, 5), factor=0.1), MultiStepLR, ([2, 5], 0.1)),
        (ScheduleSettings(name="step", every=2, factor=0.5), StepLR, (2, 0.5)),
    ],
    ids=["multistep", "step"],
)
def test_rate_falls_between_epochs_as_torchs_does(
    settings: ScheduleSettings, scheduler: type[LRScheduler], args: tuple[object, ...]
) -> None:
    by_epoch = torchs(scheduler, *args, count=EPOCHS)
    assert ours(settings) == pytest.approx([factor for factor in by_epoch for _ in range(STEPS)])


def test_cosine_falls_step_by_step_as_torchs_does() -> None:
    expected = torchs(CosineAnnealingLR, EPOCHS * STEPS, count=EPOCHS * STEPS)
    assert ours(ScheduleSettings(name="cosine")) == pytest.approx(expected)


def test_rate_rises_evenly_and_then_follows_the_cosine_of_what_is_left() -> None:
    factors = ours(ScheduleSettings(name="cosine", warmup=1.5))
    assert factors[:6] == pytest.approx(torchs(LinearLR, 1 / 6, 1.0, 5, count=6))
    assert factors[6:] == pytest.approx(torchs(CosineAnnealingLR, 18, count=18))
