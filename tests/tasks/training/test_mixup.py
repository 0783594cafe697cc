import numpy as np
import torch
from torch.nn import functional

from tasks.training.mixup import mix

PIXELS = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 3, 2, 2)
TARGETS = [functional.one_hot(torch.arange(8) % 2).float(), torch.eye(8)]


def test_photo_and_targets_are_blended_with_the_same_partner_by_the_same_share() -> None:
    pixels, (_, whole) = mix(PIXELS, TARGETS, 1.0, np.random.default_rng(3))
    assert pixels.shape == PIXELS.shape
    assert torch.allclose(pixels[:, 0, 0, 0], whole @ torch.arange(8.0))
    assert torch.allclose(whole.sum(dim=1), torch.ones(8))
    shares = {round(share, 5) for row in whole.tolist() for share in row if share}
    assert len(shares - {1.0}) == 2


def test_same_random_state_blends_alike() -> None:
    first, again, other = (mix(PIXELS, TARGETS, 0.4, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_alpha_of_zero_blends_nothing() -> None:
    pixels, targets = mix(PIXELS, TARGETS, 0.0, np.random.default_rng(1))
    assert pixels is PIXELS
    assert targets == TARGETS
