"""Our own expectations of photos: what their pixels say, and which are too like each other."""

from abc import abstractmethod
from typing import Literal

import numpy as np
import pandas as pd

from expectations.likeness import Pairs, like_pairs, parse_hashes
from expectations.rule import Rule, Verdict

CHANNELS = ("r", "g", "b")
MOMENTS = ("square", "mean")
Where = Literal["person", "persons", "splits"]
"""Two photos of one person, of two persons, or of which one is to be learnt from and one to be predicted."""


class ExpectDecodablePhotos(Rule):
    """A photo can be decoded."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos."""
        bad = rows[rows["problem"].notna()]
        return Verdict(len(rows), bad["problem"].set_axis(bad["photo"]))


class PhotoRule(Rule):
    """Something that can be said of a photo that was decoded, as a number within bounds."""

    low: float | None = None
    """Least value; None if there is no least."""
    high: float | None = None
    """Greatest value; None if there is no greatest."""
    shown: str = "{:.2f}"
    """How the value is written."""

    @abstractmethod
    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The number, photo by photo."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        photos = rows[rows["problem"].isna()]
        values = self.measure(photos).set_axis(photos["photo"])
        outside = values.lt(self.low if self.low is not None else -np.inf) | values.gt(
            self.high if self.high is not None else np.inf
        )
        return Verdict(len(photos), values[outside].map(self.shown.format))


class ExpectSide(PhotoRule):
    """The shorter side of a photo, pixels."""

    shown: str = "{:.0f} pixels"

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The shorter side."""
        return photos[["width", "height"]].min(axis=1)


class ExpectAspect(PhotoRule):
    """Width over height of a photo."""

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """Width over height."""
        return photos["width"] / photos["height"]


class ExpectBrightness(PhotoRule):
    """Mean of all channels of a photo, 0..1."""

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The mean."""
        return brightness(photos)


class ExpectContrast(PhotoRule):
    """Standard deviation of a photo's channels, 0..1: 0 if it has one colour."""

    shown: str = "{:.3f}"

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """Root of the channels' mean variance."""
        squares, means = (photos[[f"{moment}_{channel}" for channel in CHANNELS]].to_numpy() for moment in MOMENTS)
        return pd.Series(np.sqrt((squares - means**2).mean(axis=1).clip(min=0)), photos.index)


class ExpectSharpness(PhotoRule):
    """Variance of a photo's Laplacian."""

    shown: str = "{:.1f}"

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The variance."""
        return photos["sharpness"]


class ExpectOneSize(Rule):
    """All photos have the size that most have."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        photos = rows[rows["problem"].isna()]
        sizes = photos["width"].astype("str") + "x" + photos["height"].astype("str")
        usual = sizes.mode().head(1).tolist()
        other = ~sizes.isin(usual)
        return Verdict(len(photos), sizes[other].set_axis(photos["photo"][other]))


class TwinRule(Rule):
    """No photo is too like another one: the later of two that are is the offender."""

    where: Where
    """Whose photos are compared."""

    @abstractmethod
    def twins(self, photos: pd.DataFrame) -> Pairs:
        """Positions of two photos each that are too like each other."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        photos = rows[rows["problem"].isna()]
        return Verdict(len(photos), *name_twins(photos, _of_kind(photos, self.twins(photos), self.where)))


class ExpectNoCopies(TwinRule):
    """No two files have the same bytes."""

    def twins(self, photos: pd.DataFrame) -> Pairs:
        """The first file with the same bytes, and each other."""
        numbers, _ = pd.factorize(photos["sha256"])
        first = pd.Series(np.arange(len(photos))).groupby(numbers).transform("first").to_numpy()
        copies = np.flatnonzero(first != np.arange(len(photos)))
        return np.stack([first[copies], copies], axis=1)


class ExpectNoLookalikes(TwinRule):
    """No two photos look the same, whatever their bytes are."""

    most_bits: int
    """Perceptual hashes that differ in so many bits, or fewer, are of photos that look the same."""

    def twins(self, photos: pd.DataFrame) -> Pairs:
        """Photos with like hashes, those with the same bytes left out."""
        pairs = like_pairs(parse_hashes(photos["phash"].tolist()), self.most_bits)
        digests, _ = pd.factorize(photos["sha256"])
        other_bytes: Pairs = pairs[digests[pairs[:, 0]] != digests[pairs[:, 1]]]
        return other_bytes


def name_twins(photos: pd.DataFrame, pairs: Pairs) -> "tuple[pd.Series[str], pd.Series[str]]":
    """Offenders and others of a verdict: of every pair the later photo, once, and the earlier one."""
    names = photos["photo"].to_numpy()
    twins = pd.DataFrame({"other": names[pairs[:, 0]], "photo": names[pairs[:, 1]]}).drop_duplicates("photo")
    return ("like " + twins["other"]).set_axis(twins["photo"]), twins["other"]


def brightness(photos: pd.DataFrame) -> "pd.Series[float]":
    """Mean of all channels, photo by photo, 0..1."""
    return photos[[f"mean_{channel}" for channel in CHANNELS]].mean(axis=1)


def _of_kind(photos: pd.DataFrame, pairs: Pairs, where: Where) -> Pairs:
    """The pairs of that kind."""
    persons, _ = pd.factorize(photos["person"])  # -1 in eval
    first, second = persons[pairs].T
    train = (first >= 0) & (second >= 0)
    kinds = {
        "person": train & (first == second),
        "persons": train & (first != second),
        "splits": (first >= 0) != (second >= 0),
    }
    kept: Pairs = pairs[kinds[where]]
    return kept
