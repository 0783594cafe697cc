"""Photos that are like each other, found by their perceptual hashes without comparing all with all."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 256
Hashes = NDArray[np.uint64]
"""Perceptual hashes, shape (photos, 4): 256 bits each."""
Pairs = NDArray[np.int64]
"""Positions of two photos each, shape (pairs, 2), the earlier photo first."""


def parse_hashes(texts: Sequence[str]) -> Hashes:
    """Hashes from hexadecimal text, 64 digits each."""
    return np.frombuffer(bytes.fromhex("".join(texts)), dtype=">u8").reshape(-1, HASH_BITS // 64).astype(np.uint64)


def like_pairs(hashes: Hashes, most_bits: int) -> Pairs:
    """Pairs of photos whose hashes differ in at most `most_bits` bits.

    Of photos with the very same hash each is paired with the first of them only: a thousand black photos are 999 pairs.
    Other pairs are found by the pigeonhole principle: of most_bits + 1 bands of bits at least one is the same in both
    (multi-index hashing: Norouzi, Punjani and Fleet, Fast exact search in Hamming space, 2014).
    """
    distinct, first, group = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
    leaders = first[group.ravel()]
    copies = np.flatnonzero(leaders != np.arange(len(hashes)))
    found = [np.stack([leaders[copies], copies], axis=1)]
    bits = np.unpackbits(distinct.astype(">u8").view(np.uint8), axis=1)
    for band in np.array_split(np.arange(HASH_BITS), most_bits + 1):
        for left, right in _same(_as_numbers(bits[:, band])):
            near = np.bitwise_count(distinct[left] ^ distinct[right]).sum(axis=1) <= most_bits
            found.append(np.stack([first[left[near]], first[right[near]]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _as_numbers(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """One number for every row of at most 64 bits; of longer rows the first 64 bits."""
    packed = np.packbits(bits[:, :64], axis=1)
    padded = np.zeros((len(bits), 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(">u8").ravel().astype(np.uint64)


def _same(values: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of positions with the same value, in parts: those one apart in sorted order, those two apart, ..."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.arange(len(order))
    for apart in range(1, len(order)):
        starts = starts[starts + apart < len(order)]
        starts = starts[ordered[starts] == ordered[starts + apart]]
        if not len(starts):
            return
        yield order[starts], order[starts + apart]
