import numpy as np
import pytest
import torch

from tasks.training.mixing import half_cutmix, mixup
from tasks.training.model import ATTRIBUTE_SIZES, Targets, make_targets

PIXELS = torch.rand(12, 3, 8, 6, generator=torch.Generator().manual_seed(1))
CLASSES = torch.arange(12)
OLD = CLASSES % 3 == 2


def targets() -> Targets:
    return make_targets(CLASSES, 20.0 + CLASSES, ATTRIBUTE_SIZES)


def random() -> np.random.Generator:
    return np.random.default_rng(5)  # whose partners of the oldest are of each kind


def test_without_mixing_nothing_changes() -> None:
    assert mixup(PIXELS, targets(), 0.0, random())[0] is PIXELS
    assert half_cutmix(PIXELS, targets(), OLD, 0.0, random())[0] is PIXELS


def test_blend_is_one_share_of_each_photo_and_of_its_partner() -> None:
    pixels, mixed = mixup(PIXELS, targets(), 0.4, random())
    draw = random()
    share, partners = draw.beta(0.4, 0.4), draw.permutation(12)
    assert torch.allclose(pixels, share * PIXELS + (1 - share) * PIXELS[partners])
    own = targets()
    for head, before in zip(mixed.heads, own.heads, strict=True):
        assert torch.allclose(head, share * before + (1 - share) * before[partners], atol=1e-6)
    assert torch.allclose(mixed.ages, share * own.ages + (1 - share) * own.ages[partners], atol=1e-6)


@pytest.mark.parametrize("chance", [0.5, 1.0])
def test_faces_are_halved_only_where_just_one_is_of_the_oldest(chance: float) -> None:
    pixels, mixed = half_cutmix(PIXELS, targets(), OLD, chance, random())
    partners = random().permutation(12)
    changed = [place for place in range(12) if not torch.equal(pixels[place], PIXELS[place])]
    allowed = [place for place in range(12) if OLD[place] != OLD[partners[place]]]
    assert changed
    assert any(OLD[place] and OLD[partners[place]] and place != partners[place] for place in range(12))
    assert set(changed) <= set(allowed)
    if chance == 1:
        assert changed == allowed
    own = targets()
    for place in range(12):
        partner = partners[place] if place in changed else place
        assert torch.equal(pixels[place, :, :, :3], PIXELS[place, :, :, :3])
        assert torch.equal(pixels[place, :, :, 3:], PIXELS[partner, :, :, 3:])
        for head, before in zip(mixed.heads, own.heads, strict=True):
            assert torch.allclose(head[place], (before[place] + before[partner]) / 2)
