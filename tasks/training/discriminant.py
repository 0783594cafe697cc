"""Heads that are computed instead of trained: linear discriminants of what a backbone says of the training photos."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tasks.classes import ATTRIBUTES, CLASS_COUNT
from tasks.training.face_net import FaceNet
from tasks.training.model import Classifier, make_targets


class Moments:
    """Sums over photos from which discriminants follow: memory does not grow with the number of photos.

    Args:
        features: how many a photo has.
    """

    def __init__(self, features: int) -> None:
        self._counts = torch.zeros(CLASS_COUNT, dtype=torch.double)
        self._sums = torch.zeros(CLASS_COUNT, features, dtype=torch.double)
        self._products = torch.zeros(features, features, dtype=torch.double)

    def add(self, features: Tensor, classes: Tensor) -> None:
        """Count photos in: their features, photos x features, and their classes 0..17, shape (photos,)."""
        features, classes = features.double().cpu(), classes.cpu()
        self._counts += torch.bincount(classes, minlength=CLASS_COUNT)
        self._sums.index_add_(0, classes, features)
        self._products += features.T @ features

    def discriminants(self, values: Tensor, columns: slice, shrinkage: float) -> tuple[Tensor, Tensor]:
        """Weights, values x features, and biases, shape (values,), whose logits tell the values apart.

        Linear discriminant analysis with a covariance that is shrunken towards that of independent features, each in
        units of its own deviation: with fewer persons than features, the plain one would believe in chance. Source:
        Hastie et al., "The Elements of Statistical Learning" (2009), 4.3 and 4.3.1. A value without photos counts as
        one photo like the mean.

        Args:
            values: share of each value in each class, 18 x values.
            columns: the features that are looked at.
            shrinkage: 0: the covariance of the photos, 1: independent features.
        """
        sums, products = self._sums[:, columns], self._products[columns, columns]
        total = self._counts.sum()
        mean = sums.sum(dim=0) / total
        deviations = (products.diagonal() / total - mean**2).clamp_min(torch.finfo(torch.float).tiny).sqrt()
        counts = self._counts @ values
        means = torch.where((counts > 0).view(-1, 1), values.T @ sums / counts.clamp_min(1).view(-1, 1), mean)
        within = (products - (means.T * counts) @ means) / total / torch.outer(deviations, deviations)
        independent = within.diagonal().mean() * torch.eye(len(mean), dtype=torch.double)
        within = (1 - shrinkage) * within + shrinkage * independent
        centres = (means - mean) / deviations
        weights = torch.linalg.solve(within, centres.T).T
        shares = counts.clamp_min(1) / total
        biases = shares.log() - (weights * centres).sum(dim=1) / 2
        weights = weights / deviations
        return weights, biases - weights @ mean


def set_heads(classifier: Classifier, moments: Moments, shrinkage: float) -> None:
    """Make the classifier's heads the discriminants of the photos that `moments` has counted."""
    every = torch.arange(CLASS_COUNT)
    targets = make_targets(every, every, classifier.head_sizes).heads
    heads = classifier.heads
    with torch.no_grad():
        heads.weight.zero_()
        start = 0
        for values, columns in zip(targets, _columns(classifier), strict=True):
            rows = slice(start, start := start + values.shape[1])
            weights, biases = moments.discriminants(values.double(), columns, shrinkage)
            heads.weight[rows, columns] = weights.to(heads.weight)
            heads.bias[rows] = biases.to(heads.bias)


def _columns(classifier: Classifier) -> Sequence[slice]:
    """The features that each head looks at."""
    backbone: nn.Module = classifier.backbone
    if isinstance(backbone, FaceNet) and len(classifier.head_sizes) == len(ATTRIBUTES):
        return [backbone.features_of(attribute) for attribute in ATTRIBUTES]
    return [slice(None)] * len(classifier.head_sizes)
