"""Near duplicates of texts or codes in one process, and who survives of each cluster.

The engines do the same steps with the same functions, and the same result; only what they group by key moves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from components.cleaning.near_duplicates import blocks, minhash, set_join
from components.cleaning.near_duplicates.shingles import Shingles, concatenate, shingle_spans, spans

NO_TIMESTAMP = np.int64(np.iinfo(np.int64).max)
"""Stands for a timestamp that is not known: later than all that are."""
_SLICE_BYTES = 8_000_000
_KEPT_BYTES = 256_000_000  # of texts, up to which their shingles are kept; of more, those of blocks are hashed again
_BLOCK_BYTES = 128_000_000
_LEAST_BYTES = 512  # what a document, however short, weighs in a slice: its signature


def clusters(texts: pa.Array, *, threshold: float = 0.7, words: int = 3) -> np.ndarray:
    """The cluster of each document: the smallest row in it, its own if it is like no other.

    Pairs with a Jaccard similarity of `threshold` or more are found with the probability in `minhash`, or because
    others lead to them; every one found is verified. Memory beyond the texts: about 300 bytes a document, and what the
    largest block of candidates needs.

    Args:
        texts: string, large_string, binary or large_binary, UTF-8; null and documents without words are like no other.
        threshold: Jaccard similarity of the sets of word sequences, above 0.5, at most 1.
        words: words in a sequence.

    Returns:
        int64 [documents].
    """
    data, starts, ends = spans(texts)
    keys = np.empty((minhash.BANDS, len(texts)), np.uint64)
    worded = np.empty(len(texts), np.bool_)
    kept: list[Shingles] | None = [] if (ends - starts).sum() <= _KEPT_BYTES else None
    for first, last in _slices(np.maximum(ends - starts, _LEAST_BYTES), _SLICE_BYTES):
        shingles = shingle_spans(data, starts[first:last], ends[first:last], words)
        keys[:, first:last] = minhash.band_keys(minhash.signatures(shingles)).T
        worded[first:last] = np.diff(shingles.offsets) > 0
        if kept is not None:
            kept.append(shingles)
    rows = np.flatnonzero(worded)
    edges = [blocks.star_edges(band if len(rows) == len(texts) else band[rows], rows) for band in keys]
    del keys
    parent = np.arange(len(texts))
    blocks.unite(parent, *blocks.repeated(*map(np.concatenate, zip(*edges, strict=True))))
    del edges
    block = blocks.labels(parent)
    parent = np.arange(len(texts))
    if kept:
        pairs = set_join.join(concatenate(kept), block, threshold)
        blocks.unite(parent, pairs.a, pairs.b)
        return blocks.labels(parent)
    rows = np.flatnonzero(np.bincount(block, minlength=len(texts))[block] > 1)
    rows = rows[np.argsort(block[rows], kind="stable")]
    for first, last in _slices((ends - starts)[rows], _BLOCK_BYTES, block[rows]):
        chosen = rows[first:last]
        pairs = set_join.join(shingle_spans(data, starts[chosen], ends[chosen], words), block[chosen], threshold)
        blocks.unite(parent, chosen[pairs.a], chosen[pairs.b])
    return blocks.labels(parent)


def survivors(labels: np.ndarray, *, quality: np.ndarray, timestamps: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Of each cluster the row that stays: the highest quality, then the earliest, then the smallest id.

    Args:
        labels: int64 [n], the cluster of each row.
        quality: float64 [n]; NaN is worst.
        timestamps: int64 [n], microseconds; `NO_TIMESTAMP` comes last.
        ids: [n], anything that NumPy sorts, all different.

    Returns:
        int64 [clusters], rows in ascending order.
    """
    order = np.lexsort((ids, timestamps, -quality, labels))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(labels[order]) != 0
    return np.sort(order[first])


def _slices(weights: np.ndarray, limit: int, groups: np.ndarray | None = None) -> Iterator[tuple[int, int]]:
    """Cuts rows into runs of about `limit` weight, between two groups if there are any."""
    total = np.cumsum(weights)
    first = 0
    while first < len(weights):
        before = total[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(total, before + limit, side="right")))
        if groups is not None:
            last = int(np.searchsorted(groups, groups[last - 1], side="right"))
        yield first, last
        first = last
