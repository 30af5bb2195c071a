"""Which documents of a corpus are near duplicates, by exact computation that shares no code with the product.

Shingles are numbered, not hashed: a word has a number, three of them make one of 63 bits, so that no two different
shingles are ever equal. Candidates come from an inverted index over prefixes, without loss: Chaudhuri, Ganti and
Kaushik, 'A primitive operator for similarity joins' (ICDE 2006), with the shorter index prefix and the positional
filter of Xiao, Wang, Lin and Yu, 'Efficient similarity joins for near duplicate detection' (WWW 2008), sections 3 and
4. Every candidate is then counted out.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

Integers = np.ndarray[Any, np.dtype[np.int64]]

_WORD = re.compile(r"\w+")
_WORD_BITS = 21
_PAIRS_AT_ONCE = 200_000


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs of documents whose similarity reaches the threshold.

    Attributes:
        first, second: rows, `first < second`, int64 `[pairs]`.
        similarity: Jaccard similarity, float64 `[pairs]`.
    """

    first: Integers
    second: Integers
    similarity: np.ndarray[Any, np.dtype[np.float64]]


def pairs(texts: Sequence[str], threshold: float = 0.7, words: int = 3) -> Pairs:
    """All pairs with a Jaccard similarity of at least `threshold` over the sets of their word n-grams.

    Words are `\\w+` of the lower-cased text. A text with fewer words than an n-gram has no shingle and no pair.
    """
    owners, shingles = _shingles(texts, words)
    return _search(owners, shingles, len(texts), threshold)


def stored(path: pathlib.Path, texts: Sequence[str]) -> Pairs:
    """`pairs` of a corpus, kept beside its file."""
    kept = path.with_suffix(".pairs.npz")
    if not kept.exists():
        found = pairs(texts)
        aside = kept.with_suffix(".tmp.npz")
        np.savez(aside, first=found.first, second=found.second, similarity=found.similarity)
        aside.replace(kept)
    with np.load(kept) as file:
        return Pairs(file["first"], file["second"], file["similarity"])


def recall(found: Pairs, labels: Integers) -> float:
    """The share of the true pairs that a clustering holds together."""
    return float(np.mean(labels[found.first] == labels[found.second])) if len(found.first) else 1.0


def precision(found: Pairs, labels: Integers) -> float:
    """The share of the pairs held together by a clustering that a chain of true pairs connects."""
    truth = components(found, len(labels))
    together = _pairs_within(labels)
    both = np.unique(np.stack([labels, truth]), axis=1, return_inverse=True)[1].reshape(-1)
    return _pairs_within(both) / together if together else 1.0


def components(found: Pairs, count: int) -> Integers:
    """For each document the lowest row that a chain of pairs connects it with, int64 `[documents]`."""
    labels = np.arange(count)
    while True:
        lowest = np.minimum(labels[found.first], labels[found.second])
        before = labels.copy()
        np.minimum.at(labels, found.first, lowest)
        np.minimum.at(labels, found.second, lowest)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return labels


def _pairs_within(labels: Integers) -> int:
    sizes = np.unique(labels, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _shingles(texts: Sequence[str], words: int) -> tuple[Integers, Integers]:
    """Each document's set of shingles: documents ascending, shingles numbered by rarity, the rarest lowest."""
    numbers: dict[str, int] = {}
    spoken: list[int] = []
    ends = []
    for text in texts:
        spoken.extend(numbers.setdefault(word, len(numbers)) for word in _WORD.findall(text.lower()))
        ends.append(len(spoken))
    if words * _WORD_BITS > 63 or len(numbers) >> _WORD_BITS:
        raise ValueError(f"{len(numbers)} different words do not fit")
    stream = np.array(spoken, np.int64)
    owners = np.repeat(np.arange(len(texts)), np.diff([0, *ends]))
    count = max(len(stream) - words + 1, 0)
    packed = np.zeros(count, np.int64)
    for offset in range(words):
        packed = packed << _WORD_BITS | stream[offset : offset + count]
    inside = owners[:count] == owners[len(stream) - count :]
    packed, owners = packed[inside], owners[:count][inside]
    _, dense, frequency = np.unique(packed, return_inverse=True, return_counts=True)
    dense = dense.reshape(-1)
    by_rarity = np.argsort(frequency, kind="stable")
    rarity = np.empty(len(frequency), np.int64)
    rarity[by_rarity] = np.arange(len(frequency))
    keys = np.unique(owners * max(len(frequency), 1) + rarity[dense])
    return np.divmod(keys, max(len(frequency), 1))


def _search(owners: Integers, shingles: Integers, count: int, threshold: float) -> Pairs:
    sizes = np.bincount(owners, minlength=count)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    positions = np.arange(len(owners)) - starts[owners]
    # One of a pair is found through the prefix of length n - ceil(t n) + 1, the smaller already through that of
    # n - ceil(2 t n / (1 + t)) + 1.
    probing = positions < sizes[owners] - _ceiling(threshold * sizes[owners]) + 1
    indexed = positions < sizes[owners] - _ceiling(2 * threshold / (1 + threshold) * sizes[owners]) + 1
    postings = np.flatnonzero(probing)
    order = postings[np.lexsort((owners[postings], sizes[owners[postings]], shingles[postings]))]
    groups = np.flatnonzero(np.diff(shingles[order], prepend=-1))
    bounds = np.append(groups, len(order))
    candidates: list[Integers] = []
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if high - low < 2:
            continue
        candidates += _candidates(order[low:high], owners, positions, sizes, indexed, threshold, count)
    unique = np.unique(np.concatenate(candidates)) if candidates else np.empty(0, np.int64)
    return _counted(unique, starts, sizes, owners, shingles, count, threshold)


def _candidates(
    entries: Integers,
    owners: Integers,
    positions: Integers,
    sizes: Integers,
    indexed: np.ndarray[Any, np.dtype[np.bool_]],
    threshold: float,
    count: int,
) -> list[Integers]:
    """Pairs among the documents that have one shingle in their prefixes, smaller documents first in `entries`."""
    found = []
    documents, lengths = owners[entries], sizes[owners[entries]]
    left = lengths - positions[entries]
    for number in np.flatnonzero(indexed[entries]).tolist():
        larger = slice(
            number + 1, number + 1 + np.searchsorted(lengths[number + 1 :], lengths[number] / threshold, "right")
        )
        needed = _ceiling(threshold / (1 + threshold) * (lengths[number] + lengths[larger]))
        possible = np.minimum(left[number], left[larger]) >= needed
        others = documents[larger][possible]
        found.append(np.minimum(others, documents[number]) * count + np.maximum(others, documents[number]))
    return found


def _counted(
    candidates: Integers,
    starts: Integers,
    sizes: Integers,
    owners: Integers,
    shingles: Integers,
    count: int,
    threshold: float,
) -> Pairs:
    """The candidates whose similarity, counted out, reaches the threshold."""
    universe = int(shingles.max(initial=0)) + 1
    keys = owners * universe + shingles
    first, second = np.divmod(candidates, max(count, 1))
    common = np.zeros(len(candidates), np.int64)
    for low in range(0, len(candidates), _PAIRS_AT_ONCE):
        part = slice(low, low + _PAIRS_AT_ONCE)
        lengths = sizes[first[part]]
        pair = np.repeat(np.arange(len(lengths)), lengths)
        inside = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        wanted = second[part][pair] * universe + shingles[starts[first[part]][pair] + inside]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        common[part] = np.bincount(pair[keys[place] == wanted], minlength=len(lengths))
    similarity = common / (sizes[first] + sizes[second] - common)
    true = similarity >= threshold
    return Pairs(first[true], second[true], similarity[true])


def _ceiling(values: Any) -> Any:
    # Thresholds such as 0.7 are not binary fractions: 0.7 * 10 must be 7, not a little more.
    return np.ceil(values - 1e-9).astype(np.int64)
