"""Our own expectations of folds: what they must not share, and what they must have alike."""

import pandas as pd

from expectations.likeness import like_pairs
from expectations.photo_rules import name_twins
from expectations.rule import Rule, Verdict
from tasks.classes import class_name


class ExpectOneFoldPerGroup(Rule):
    """All photos of an id, and so of a person, lie in one fold."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the ids."""
        pairs = rows[["group", "fold"]].drop_duplicates()
        several = pairs[pairs["group"].duplicated(keep=False)].sort_values(["group", "fold"])
        folds = several["fold"].astype("str").groupby(several["group"]).agg(", ".join)
        return Verdict(pairs["group"].nunique(), "folds " + folds)


class ExpectLookalikesInOneFold(Rule):
    """No photo looks like one of another person in another fold."""

    most_bits: int
    """Perceptual hashes that differ in so many bits, or fewer, are of photos that look the same."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the photos; those of one id are the business of `ExpectOneFoldPerGroup`."""
        pairs = like_pairs(rows["phash"], self.most_bits)
        folds, (groups, _) = rows["fold"].to_numpy(), pd.factorize(rows["group"])
        apart = (folds[pairs[:, 0]] != folds[pairs[:, 1]]) & (groups[pairs[:, 0]] != groups[pairs[:, 1]])
        return Verdict(int(rows["phash"].notna().sum()), *name_twins(rows, pairs[apart]))


class ExpectAlikeFolds(Rule):
    """The class shares of a fold are those of all photos."""

    most: float
    """Greatest total variation distance, half the sum of all differences of shares, 0..1."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the folds."""
        shares = pd.crosstab(rows["fold"], rows["class"], normalize="index")
        off = shares - rows["class"].value_counts(normalize=True).sort_index()
        distances = off.abs().sum(axis=1) / 2
        far = [fold for fold in shares.index if distances[fold] > self.most]
        words = [_words(shares.loc[fold], off.loc[fold]) for fold in far]
        return Verdict(len(shares), pd.Series(words, [f"fold {fold}" for fold in far], dtype="str"))


def _words(shares: "pd.Series[float]", off: "pd.Series[float]") -> str:
    """The class whose share is farthest off, and how far all are."""
    worst = int(off.abs().to_numpy().argmax())
    return f"{class_name(int(shares.index[worst]))} {shares.iloc[worst]:.1%}, distance {off.abs().sum() / 2:.3f}"
