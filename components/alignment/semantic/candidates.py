"""Which pairs are looked at: each thing's best of the other side by an inverted index, never all with all.

Things are vectors of their words and of their words' letters, weighted by rarity. A thing's rarest features are looked
up first, and no more than a budget of entries is read for each, so that time grows with the number of things whatever
they have in common. Vectors of an encoder are searched by FAISS.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import faiss
import numpy as np
import scipy.sparse

from components.alignment.semantic.texts import Side, Vocabulary, unit_rows
from components.cleaning.near_duplicates.kernels import compiled

_OTHER_WORDS = 0.4  # of the weight of a word of the name
_LETTERS = 0.6  # of the weight of a whole word
_BUDGET = 30_000
_EXACT_SEARCH = 100_000  # vectors; more are searched in the nearest cells only
_CELLS_SEARCHED = 32
_TRAINING_VECTORS = 200_000


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs that are looked at, sorted by left, then by right.

    Attributes:
        left: int64 [pairs], indices.
        right: int64 [pairs], indices.
    """

    left: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.left)


def by_words(left: scipy.sparse.csr_matrix, right: scipy.sparse.csr_matrix, most: int) -> Pairs:
    """For each thing of either side its best of the other side.

    Args:
        left: things as `weigh` gives them.
        right: likewise.
        most: candidates a thing.
    """
    forth, back = _best(left, right, most), _best(right, left, most)
    return union(_pairs(forth), _flipped(_pairs(back)), columns=right.shape[0])


def by_vectors(left: np.ndarray, right: np.ndarray, most: int) -> Pairs:
    """For each thing of either side those whose vectors have the largest product with its own.

    Args:
        left: float32 [n, dim], rows of length 1.
        right: float32 [m, dim], likewise.
        most: candidates a thing.
    """
    forth, back = _nearest(left, right, most), _nearest(right, left, most)
    return union(_pairs(forth), _flipped(_pairs(back)), columns=len(right))


def union(*several: Pairs, columns: int) -> Pairs:
    """The pairs of several, each once. `columns` is the number of things on the right."""
    keys = np.unique(np.concatenate([pairs.left * max(columns, 1) + pairs.right for pairs in several]))
    return Pairs(keys // max(columns, 1), keys % max(columns, 1))


def weigh(left: Side, right: Side, vocabulary: Vocabulary) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
    """Things as vectors of length 1: float32 CSR [things, words + hashed letters]."""
    words = len(vocabulary.words)
    spread = scipy.sparse.hstack(
        [scipy.sparse.identity(words, dtype=np.float32, format="csr"), _LETTERS * vocabulary.letters], format="csr"
    )
    both = [_counts(side, words) @ spread for side in (left, right)]
    width = spread.shape[1]
    frequency = sum(np.bincount(matrix.indices, minlength=width) for matrix in both)
    rarity = np.log1p((len(left) + len(right)) / np.maximum(frequency, 1)).astype(np.float32)
    for matrix in both:
        matrix.data *= rarity[matrix.indices]
    first, second = map(unit_rows, both)
    return first, second


def _counts(side: Side, words: int) -> scipy.sparse.csr_matrix:
    """What each word weighs in each thing: 1 in the name, less elsewhere."""
    weights = np.full(len(side.different), _OTHER_WORDS, np.float32)
    whole = scipy.sparse.csr_matrix((weights, side.different, side.wholes), shape=(len(side), words))
    names = side.phrases[:-1]
    lengths = side.starts[names + 1] - side.starts[names]
    rows = np.repeat(np.arange(len(side)), lengths)
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    own = side.words[np.repeat(side.starts[names], lengths) + places]
    named = scipy.sparse.csr_matrix((np.ones(len(own), np.float32), (rows, own)), shape=(len(side), words))
    named.data[:] = 1 - _OTHER_WORDS
    return (whole + named).tocsr()


def _best(queries: scipy.sparse.csr_matrix, things: scipy.sparse.csr_matrix, most: int) -> np.ndarray:
    """For each query its best things, -1 where there are fewer: int64 [queries, most]."""
    lists = things.tocsc()
    lists.sort_indices()
    found = np.full((queries.shape[0], most), -1, np.int64)
    if things.shape[0]:
        _look_up(
            queries.indptr.astype(np.int64), queries.indices.astype(np.int64), queries.data,
            lists.indptr.astype(np.int64), lists.indices.astype(np.int64), lists.data,
            things.shape[0], _BUDGET, found,
        )  # fmt: skip
    return found


@compiled
def _look_up(
    starts: np.ndarray,
    features: np.ndarray,
    weights: np.ndarray,
    list_starts: np.ndarray,
    entries: np.ndarray,
    entry_weights: np.ndarray,
    things: int,
    budget: int,
    found: np.ndarray,
) -> None:
    scores = np.zeros(things, np.float32)
    touched = np.empty(things, np.int64)
    most = found.shape[1]
    best = np.empty(most, np.float32)
    for query in range(len(starts) - 1):
        own = features[starts[query] : starts[query + 1]]
        own_weights = weights[starts[query] : starts[query + 1]]
        lengths = list_starts[own + 1] - list_starts[own]
        order = np.argsort(lengths, kind="mergesort")
        count, spent = 0, 0
        for place in order:
            length = lengths[place]
            if length == 0:
                continue
            if spent + length > budget and count > 0:
                break
            spent += length
            feature = own[place]
            # A list longer than the budget is the rarest thing this query has: its beginning stands for all of it.
            end = list_starts[feature] + min(length, budget)
            for entry in range(list_starts[feature], end):
                thing = entries[entry]
                if scores[thing] == 0:
                    touched[count] = thing
                    count += 1
                scores[thing] += own_weights[place] * entry_weights[entry]
        held = 0
        for index in range(count):
            thing = touched[index]
            score = scores[thing]
            scores[thing] = 0
            if held == most and (
                score < best[held - 1] or (score == best[held - 1] and thing > found[query, held - 1])
            ):
                continue
            place = held if held < most else held - 1
            if held < most:
                held += 1
            while place > 0 and (
                best[place - 1] < score or (best[place - 1] == score and found[query, place - 1] > thing)
            ):
                best[place] = best[place - 1]
                found[query, place] = found[query, place - 1]
                place -= 1
            best[place] = score
            found[query, place] = thing


def _nearest(queries: np.ndarray, vectors: np.ndarray, most: int) -> np.ndarray:
    """For each query the indices of its nearest vectors, -1 where there are fewer: int64 [queries, most]."""
    if not len(queries) or not len(vectors):
        return np.full((len(queries), most), -1, np.int64)
    dimension = vectors.shape[1]
    index: Any = faiss.IndexFlatIP(dimension)
    if len(vectors) > _EXACT_SEARCH:
        cells = int(4 * np.sqrt(len(vectors)))
        index = faiss.IndexIVFFlat(index, dimension, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = 1
        index.train(vectors[:: -(-len(vectors) // _TRAINING_VECTORS)])
        index.nprobe = min(_CELLS_SEARCHED, cells)
    index.add(vectors)
    found: np.ndarray = index.search(queries, min(most, len(vectors)))[1]
    return found.astype(np.int64)


def _pairs(found: np.ndarray) -> Pairs:
    rows, places = np.nonzero(found >= 0)
    return Pairs(rows.astype(np.int64), found[rows, places])


def _flipped(pairs: Pairs) -> Pairs:
    return Pairs(pairs.right, pairs.left)
