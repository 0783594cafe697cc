"""MixUp: training on blends of photos."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def mix(
    pixels: Tensor, targets: Sequence[Tensor], alpha: float, random: np.random.Generator
) -> tuple[Tensor, list[Tensor]]:
    """Every photo of a batch blended with one drawn from it, and what the heads should say blended likewise.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018), section 2, with one share a batch.

    Args:
        pixels: photos x 3 x height x width.
        targets: photos x head size, of every head.
        alpha: both parameters of the Beta distribution of the share; 0 blends nothing.
        random: decides share and partners.
    """
    if not alpha:
        return pixels, list(targets)
    share = float(random.beta(alpha, alpha))
    partners = torch.from_numpy(random.permutation(len(pixels))).to(pixels.device)
    blended, *blended_targets = (share * part + (1 - share) * part[partners] for part in (pixels, *targets))
    return blended, blended_targets
