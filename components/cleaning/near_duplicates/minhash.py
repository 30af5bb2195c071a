"""MinHash signatures of documents, and their bands: documents that share a band may be near duplicates.

Broder, 'On the resemblance and containment of documents', 1997: under a random permutation of all shingles, two
documents have the same smallest shingle with the probability of their Jaccard similarity. 128 such minima are a
signature. Cut into 32 bands of 4 (Leskovec, Rajaraman, Ullman, 'Mining of Massive Datasets', 3.4), two documents of
similarity s share a band with the probability 1 - (1 - s**4)**32: 0.9998 at 0.7, 0.87 at 0.5, 0.05 at 0.2.

The permutations are `(shingle ^ flip) * factor` modulo 2**32, factor odd; flips and factors are the outputs of
SplitMix64 (Steele, Lea, Flood, 2014) from seed 0. All arithmetic is on integers: signatures are the same on all
machines, whatever the width of their vectors.
"""

from __future__ import annotations

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled, mix
from components.cleaning.near_duplicates.shingles import Shingles

SIGNATURE = 128
"""Minima in a signature."""
BANDS = 32
"""Bands of a signature."""
_ROWS = SIGNATURE // BANDS
_NEXT = np.uint64(0x9E3779B97F4A7C15)
_LARGEST = np.uint32(0xFFFFFFFF)


def signatures(shingles: Shingles) -> np.ndarray:
    """The signatures of documents, uint32 [documents, 128]; all ones for a document without shingles."""
    found = np.empty((len(shingles.offsets) - 1, SIGNATURE), np.uint32)
    _signatures(shingles.hashes, shingles.offsets, *_permutations(), found)
    return found


def band_keys(signatures: np.ndarray) -> np.ndarray:
    """A key for each band of each signature, uint64 [documents, 32]; bands of different number have different keys."""
    keys = np.empty((len(signatures), BANDS), np.uint64)
    _band_keys(signatures, keys)
    return keys


def _permutations() -> tuple[np.ndarray, np.ndarray]:
    """(flips, odd factors), uint32 [128] each."""
    values = np.arange(1, 2 * SIGNATURE + 1, dtype=np.uint64) * _NEXT
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    halves = ((values ^ (values >> np.uint64(31))) >> np.uint64(32)).astype(np.uint32)
    return halves[:SIGNATURE], halves[SIGNATURE:] | np.uint32(1)


@compiled
def _signatures(hashes, offsets, flips, factors, found):  # type: ignore[no-untyped-def]
    least = np.empty(SIGNATURE, np.uint32)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        least[:] = _LARGEST
        while position + 4 <= end:  # four at a time: the minima are loaded and stored a quarter as often
            first, second = hashes[position], hashes[position + 1]
            third, fourth = hashes[position + 2], hashes[position + 3]
            for place in range(SIGNATURE):
                flip, factor = flips[place], factors[place]
                early = min(np.uint32((first ^ flip) * factor), np.uint32((second ^ flip) * factor))
                late = min(np.uint32((third ^ flip) * factor), np.uint32((fourth ^ flip) * factor))
                least[place] = min(least[place], min(early, late))
            position += 4
        while position < end:
            first = hashes[position]
            for place in range(SIGNATURE):
                least[place] = min(least[place], np.uint32((first ^ flips[place]) * factors[place]))
            position += 1
        found[document] = least


@compiled
def _band_keys(signatures, keys):  # type: ignore[no-untyped-def]
    for document in range(len(signatures)):
        for band in range(BANDS):
            key = np.uint64(band + 1)
            for row in range(_ROWS):
                key = (key ^ np.uint64(signatures[document, band * _ROWS + row])) * _NEXT
                key ^= key >> np.uint64(32)
            keys[document, band] = mix(key)
