"""Our own expectations of photos: what their pixels say, and which are too like each other."""

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from expectations.likeness import Pairs, like_pairs, same_pairs
from expectations.rule import Rule, Verdict

MEANS, SQUARES = (("mean_r", "mean_g", "mean_b"), ("square_r", "square_g", "square_b"))
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
    sources: ClassVar[tuple[str, ...]]
    """The columns that it is computed from."""

    @abstractmethod
    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The number, photo by photo."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        photos = decoded(rows, *self.sources)
        values = self.measure(photos)
        outside = values.lt(self.low if self.low is not None else -np.inf) | values.gt(
            self.high if self.high is not None else np.inf
        )
        return Verdict(len(photos), values[outside].map(self.shown.format).set_axis(photos.loc[outside, "photo"]))


class ExpectSide(PhotoRule):
    """The shorter side of a photo, pixels."""

    shown: str = "{:.0f} pixels"
    sources = ("width", "height")

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The shorter side."""
        return photos[["width", "height"]].min(axis=1)


class ExpectAspect(PhotoRule):
    """Width over height of a photo."""

    sources = ("width", "height")

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """Width over height."""
        return photos["width"] / photos["height"]


class ExpectBrightness(PhotoRule):
    """Mean of all channels of a photo, 0..1."""

    sources = MEANS

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The mean."""
        return brightness(photos)


class ExpectContrast(PhotoRule):
    """Standard deviation of a photo's channels, 0..1: 0 if it has one colour."""

    shown: str = "{:.3f}"
    sources = (*MEANS, *SQUARES)

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """Root of the channels' mean variance."""
        squares, means = (photos[list(columns)].to_numpy() for columns in (SQUARES, MEANS))
        return pd.Series(np.sqrt((squares - means**2).mean(axis=1).clip(min=0)), photos.index)


class ExpectSharpness(PhotoRule):
    """Variance of a photo's Laplacian."""

    shown: str = "{:.1f}"
    sources = ("sharpness",)

    def measure(self, photos: pd.DataFrame) -> "pd.Series[float]":
        """The variance."""
        return photos["sharpness"]


class ExpectOneSize(Rule):
    """All photos have the size that most have."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        photos = decoded(rows, "width", "height")
        sizes = pd.MultiIndex.from_frame(photos[["width", "height"]])
        other = photos[~sizes.isin(sizes.value_counts().index[:1])]
        words = other["width"].astype("str") + "x" + other["height"].astype("str")
        return Verdict(len(photos), words.set_axis(other["photo"]))


class TwinRule(Rule):
    """No photo is too like another one: the later of two that are is the offender."""

    where: Where
    """Whose photos are compared."""
    same_bytes: ClassVar[bool]
    """Whether two such photos have the same bytes, or others."""

    @abstractmethod
    def twins(self, values: "pd.Series[str]") -> Pairs:
        """Positions of two photos each that are too like each other, by their values of the column."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos that could be decoded."""
        decodable = rows["problem"].isna().to_numpy()
        pairs = self.twins(rows[self.column])
        pairs = pairs[decodable[pairs].all(axis=1)]
        known = rows[["split", "person", "sha256"]]
        first, second = (known.iloc[positions].reset_index(drop=True) for positions in pairs.T)
        meant = _of_kind(first, second, self.where) & (first["sha256"].eq(second["sha256"]) == self.same_bytes)
        return Verdict(int(decodable.sum()), *name_twins(rows, pairs[meant.to_numpy()]))


class ExpectNoCopies(TwinRule):
    """No two files have the same bytes."""

    same_bytes = True

    def twins(self, values: "pd.Series[str]") -> Pairs:
        """The first file with the same digest, and each other."""
        return same_pairs(values)


class ExpectNoLookalikes(TwinRule):
    """No two photos look the same, whatever their bytes are."""

    same_bytes = False
    most_bits: int
    """Perceptual hashes that differ in so many bits, or fewer, are of photos that look the same."""

    def twins(self, values: "pd.Series[str]") -> Pairs:
        """Photos with like hashes."""
        return like_pairs(values, self.most_bits)


def decoded(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The photos that could be decoded: these columns beside their names."""
    return rows.loc[rows["problem"].isna(), ["photo", *columns]]


def name_twins(photos: pd.DataFrame, pairs: Pairs) -> "tuple[pd.Series[str], pd.Series[str]]":
    """Offenders and others of a verdict: of every pair the later photo, once, and the earlier one."""
    names = photos["photo"].to_numpy()
    twins = pd.DataFrame({"other": names[pairs[:, 0]], "photo": names[pairs[:, 1]]}).drop_duplicates("photo")
    return ("like " + twins["other"]).set_axis(twins["photo"]), twins["other"]


def brightness(photos: pd.DataFrame) -> "pd.Series[float]":
    """Mean of all channels, photo by photo, 0..1."""
    return photos[list(MEANS)].mean(axis=1)


def _of_kind(first: pd.DataFrame, second: pd.DataFrame, where: Where) -> "pd.Series[bool]":
    """Whether the two photos of a pair are of that kind, pair by pair."""
    train = first["split"].eq("train") & second["split"].eq("train")
    same_person = first["person"].eq(second["person"])
    kinds = {
        "person": train & same_person,
        "persons": train & ~same_person,
        "splits": first["split"].ne(second["split"]),
    }
    return kinds[where]
