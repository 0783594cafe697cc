"""Heads that are computed instead of trained: linear discriminants of what a backbone says of the training photos."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.classes import ATTRIBUTES, CLASS_COUNT
from tasks.training.dlib_net import DlibNet
from tasks.training.model import Classifier, make_targets

ROUNDING = 1e-6
"""Share of its mean by which a feature deviates if it only rounds: float32 has seven digits."""
ROWS = 4096
"""Photos that are summed up at once in double precision: it takes twice the memory."""


def set_heads(classifier: Classifier, features: Tensor, classes: Tensor, shrinkage: float) -> None:
    """Make the classifier's heads the discriminants of photos.

    Args:
        classifier: with heads that are linear and sit on the backbone.
        features: what the backbone says, photos x features.
        classes: classes 0..17, shape (photos,).
        shrinkage: as `discriminants` takes it.
    """
    every = torch.arange(CLASS_COUNT)
    targets = make_targets(every, every, classifier.head_sizes).heads
    weight, bias, start = classifier.heads.weight, classifier.heads.bias, 0
    with torch.no_grad():
        weight.zero_()
        for target, columns in zip(targets, _columns(classifier), strict=True):
            values, count = target.argmax(dim=1)[classes], target.shape[1]
            weights, biases = discriminants(features[:, columns], values, count, shrinkage)
            weight[start : start + count, columns] = weights.to(weight)
            bias[start : start + count] = biases.to(bias)
            start += count


def discriminants(features: Tensor, values: Tensor, count: int, shrinkage: float) -> tuple[Tensor, Tensor]:
    """Weights, values x features, and biases, shape (values,), whose logits tell values apart; in double precision.

    Linear discriminant analysis, with a covariance that is shrunken towards that of independent features, all in units
    of their own deviations: with fewer persons than features, the plain one would believe in chance. Source: Hastie et
    al., "The Elements of Statistical Learning" (2009), 4.3 and 4.3.1. Features that only round count for nothing, and a
    value without photos is never chosen.

    Args:
        features: photos x features.
        values: which of the values each photo has, shape (photos,).
        count: number of values.
        shrinkage: 0: the covariance of the photos, 1: independent features.
    """
    mean = features.mean(dim=0, dtype=torch.double)
    squares = torch.stack([((part.double() - mean) ** 2).sum(dim=0) for part in torch.split(features, ROWS)])
    deviations = (squares.sum(dim=0) / len(features)).sqrt()
    scales = torch.where(deviations > ROUNDING * mean.abs(), 1 / deviations, 0.0)
    counts = torch.bincount(values, minlength=count).double()
    sums, products = (torch.zeros(height, len(mean), dtype=torch.double) for height in (count, len(mean)))
    for part, own in zip(torch.split(features, ROWS), torch.split(values, ROWS), strict=True):
        alike = (part.double() - mean) * scales
        sums.index_add_(0, own, alike)
        products += alike.T @ alike
    centres = sums / counts.clamp_min(1).view(-1, 1)
    within = (products - (centres.T * counts) @ centres) / len(features)
    within = (1 - shrinkage) * within + shrinkage * torch.eye(len(mean), dtype=torch.double)
    weights = torch.linalg.solve(within, centres.T).T
    shares = (counts / len(features)).clamp_min(torch.finfo(torch.float).tiny)
    biases = shares.log() - (weights * centres).sum(dim=1) / 2
    weights = weights * scales
    return weights, biases - weights @ mean


def _columns(classifier: Classifier) -> Sequence[slice]:
    """The features that each head looks at."""
    if isinstance(classifier.backbone, DlibNet) and len(classifier.head_sizes) == len(ATTRIBUTES):
        return [classifier.backbone.features_of(attribute) for attribute in ATTRIBUTES]
    return [slice(None)] * len(classifier.head_sizes)
