"""How the learning rate moves: a function of the step, so that training can go on from any of them."""

import math

from tasks.training.settings import ScheduleSettings


def rate_factor(settings: ScheduleSettings, epochs: int, step: int, steps: int) -> float:
    """What the learning rate of a step is multiplied by, 0..1.

    The same as torch's MultiStepLR, StepLR, and CosineAnnealingLR, with its LinearLR before them.

    Args:
        settings: how the rate moves.
        epochs: number of epochs of the whole training.
        step: number of the step, from 0, over all epochs.
        steps: number of steps in an epoch.
    """
    done = step / steps
    if done < settings.warmup:
        # The first step, too, should learn something.
        return (step + 1) / math.ceil(settings.warmup * steps)
    if settings.name == "cosine":
        return (1 + math.cos(math.pi * (done - settings.warmup) / (epochs - settings.warmup))) / 2
    whole = step // steps
    falls = sum(whole >= milestone for milestone in settings.milestones)
    return settings.factor ** (falls if settings.name == "multistep" else whole // settings.every)
