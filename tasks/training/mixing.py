"""Training on mixtures of photos."""

import numpy as np
import torch
from torch import Tensor

from tasks.training.device import sent
from tasks.training.model import Targets


def mixup(pixels: Tensor, targets: Targets, alpha: float, random: np.random.Generator) -> tuple[Tensor, Targets]:
    """Every photo of a batch blended with one drawn from it, and what the heads should say blended likewise.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018), section 2, with one share a batch.

    Args:
        pixels: photos x 3 x height x width.
        targets: what the heads should say.
        alpha: both parameters of the Beta distribution of the share; 0 blends nothing.
        random: decides share and partners.
    """
    if not alpha:
        return pixels, targets
    share = float(random.beta(alpha, alpha))
    partners = _partners(pixels, random)
    shares = torch.full((len(pixels),), share, device=pixels.device)
    return share * pixels + (1 - share) * pixels[partners], targets.blended(partners, shares)


def half_cutmix(
    pixels: Tensor, targets: Targets, old: Tensor, chance: float, random: np.random.Generator
) -> tuple[Tensor, Targets]:
    """Photos with the right half of another face, where just one of the two is of the oldest age group.

    Two halves make a whole face, which the rectangles of CutMix (Yun et al., 2019) do not.

    Args:
        pixels: photos x 3 x height x width.
        targets: what the heads should say; of a photo in two halves, half and half.
        old: whether each photo shows a person of the oldest age group, shape (photos,).
        chance: of such a photo to be put together; 0 changes nothing.
        random: decides chances and partners.
    """
    if not chance:
        return pixels, targets
    partners = _partners(pixels, random)
    drawn = sent(torch.from_numpy(random.random(len(pixels)) < chance), pixels.device)
    chosen = (old ^ old[partners]) & drawn
    middle = pixels.shape[3] // 2
    halves = torch.cat([pixels[..., :middle], pixels[partners][..., middle:]], dim=3)
    mixed = torch.where(chosen.view(-1, 1, 1, 1), halves, pixels)
    return mixed, targets.blended(partners, torch.where(chosen, 0.5, 1.0))


def _partners(pixels: Tensor, random: np.random.Generator) -> Tensor:
    return sent(torch.from_numpy(random.permutation(len(pixels))), pixels.device)
