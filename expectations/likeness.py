"""Photos that are like each other, found by their perceptual hashes without comparing all with all."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HASH_BITS = 256
Hashes = NDArray[np.uint64]
"""Perceptual hashes, shape (photos, 4): 256 bits each."""
Pairs = NDArray[np.int64]
"""Positions of two photos each, shape (pairs, 2), the earlier photo first."""
FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
"""Odd numbers that spread what they multiply over 64 bits."""
MOST = 20
"""Like photos of one photo that are told at least; all of a thousand blank ones would be half a million pairs."""
PART = 10_000
"""Values that are read at once."""


def same_pairs(values: "pd.Series[str]") -> Pairs:
    """The first photo with the same value, and each other: a thousand photos with one value are 999 pairs."""
    numbered = pd.Series([hash(value) for part in _parts(values) for value in part])  # texts themselves take 300 MB
    repeated = np.flatnonzero(numbered.duplicated(keep=False) & values.notna().to_numpy())
    numbers, _ = pd.factorize(values.iloc[repeated])
    first = pd.Series(repeated).groupby(numbers).transform("first").to_numpy()
    others = first != repeated
    return np.stack([first[others], repeated[others]], axis=1)


def like_pairs(hashes: "pd.Series[str]", most_bits: int) -> Pairs:
    """Pairs of photos whose hashes, in hexadecimal digits, differ in at most `most_bits` bits.

    Of photos with the very same hash all but the first are paired with the first only. Not all pairs are told of a
    photo that is like more than MOST others. Photos without a hash are like none.
    """
    same = same_pairs(hashes)
    distinct = np.setdiff1d(np.flatnonzero(hashes.notna()), same[:, 1], assume_unique=True)
    near = distinct[_near_pairs(_as_bytes(hashes.iloc[distinct]), most_bits)]
    pairs: Pairs = np.concatenate([same, near])
    return pairs[np.lexsort(pairs.T[::-1])]


def _as_bytes(hashes: "pd.Series[str]") -> bytes:
    """What the digits say, one hash after another."""
    return b"".join(bytes.fromhex("".join(part)) for part in _parts(hashes))


def _parts(values: "pd.Series[str]") -> Iterator[list[str]]:
    """The values, not many at once: as texts of Python's they take much memory."""
    for start in range(0, len(values), PART):
        yield values.iloc[start : start + PART].tolist()


@lru_cache(maxsize=1)  # several expectations ask for the same pairs
def _near_pairs(content: bytes, most_bits: int) -> Pairs:
    """Pairs of hashes, all of them different, that differ in at most `most_bits` bits.

    Of most_bits + 1 bands of bits at least one is the same in both, by the pigeonhole principle (multi-index hashing:
    Norouzi, Punjani and Fleet, Fast exact search in Hamming space, 2014).
    """
    hashes = np.frombuffer(content, np.uint64).reshape(-1, len(FACTORS))
    found = np.empty(0, np.int64)  # first position times number of hashes plus second position
    for band in _bands(hashes, most_bits + 1):
        near = [first * len(hashes) + second for first, second in _near_in_band(hashes, band, most_bits)]
        found = np.unique(np.concatenate([found, *near]))
    return np.stack(np.divmod(found, max(1, len(hashes))), axis=1)


def _bands(hashes: Hashes, count: int) -> Iterator[NDArray[np.uint64]]:
    """Each band of every hash as a number: the same for the same bits, and hardly ever for others.

    Bits that are neighbours are not independent, so a band has every so manieth.
    """
    places = np.arange(HASH_BITS)
    for number in range(count):
        mask = np.packbits(places % count == number).view(np.uint64)
        yield (hashes & mask) @ FACTORS


def _near_in_band(
    hashes: Hashes, band: NDArray[np.uint64], most_bits: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The near ones of all pairs with the same band: those one apart in the order of bands, those two apart, ..."""
    order = np.argsort(band)
    bands, hashes = band[order], hashes[order]
    first_words = hashes[:, 0].copy()
    starts, told = np.arange(len(order)), np.zeros(len(order), np.int64)
    for apart in range(1, len(order)):
        starts = starts[(starts + apart < len(order)) & (told[starts] < MOST)]
        starts = starts[bands[starts] == bands[starts + apart]]
        if not len(starts):
            return
        # Most differ enough in the first word.
        near = starts[np.bitwise_count(first_words[starts] ^ first_words[starts + apart]) <= most_bits]
        near = near[np.bitwise_count(hashes[near] ^ hashes[near + apart]).sum(axis=1) <= most_bits]
        told[near] += 1
        pairs = order[near], order[near + apart]
        yield np.minimum(*pairs), np.maximum(*pairs)
