"""What speaks for a pair and against it, as numbers: words that agree, words that have no counterpart, equal names.

All are the same when the sides are exchanged. Words agree by their letters (`savoury`, `savory`), or because pairs that
are beyond doubt show that one side says one where the other says the other. A word without a counterpart weighs as much
as its absence is rare in such pairs: the weights of Fellegi and Sunter (1969), "A Theory for Record Linkage", equations
for log m/u, with the word as the field.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import scipy.sparse

from components.alignment.semantic import candidates, comparing, texts
from components.alignment.semantic.candidates import Pairs
from components.alignment.semantic.comparing import LEXICAL
from components.alignment.semantic.texts import Side, Vocabulary

ENCODED = ("alike", "above")
"""And of those of an encoder's vectors: how alike they are, and how much more than those of other candidates."""

_PRIOR_KEPT = 0.85  # how often a word has a counterpart, before any evidence
_PRIOR_WEIGHT = 2.0
_KNOWN = 0.8  # the most that a learnt association counts, beside 1 for the same word
_LEAST_SEEN = 2
_TOGETHER = 64  # words without a counterpart that a pair may have, on average, and all be counted
_RANDOM_PAIRS = 20_000
_LEAST_SPREAD = 1e-6
_AT_ONCE = 100_000  # pairs


@dataclasses.dataclass(frozen=True)
class Habits:
    """What pairs beyond doubt say about words.

    Attributes:
        kept: float32 [2, words], how often a word of a name of the left, of the right, has a counterpart.
        keys: int64, rising: left word * number of words + right word.
        strengths: float32, how often the right word stands where the left word has no counterpart.
    """

    kept: np.ndarray
    keys: np.ndarray
    strengths: np.ndarray

    @classmethod
    def unknown(cls, words: int) -> Habits:
        """Before any pair is known."""
        return cls(np.full((2, words), _PRIOR_KEPT, np.float32), np.empty(0, np.int64), np.empty(0, np.float32))


@dataclasses.dataclass(frozen=True)
class Texts:
    """Both sides, with all that their features need.

    Attributes:
        left: the words of the left.
        right: the words of the right.
        vocabulary: of both.
        vectors: of the left and of the right, as `candidates.weigh` gives them.
    """

    left: Side
    right: Side
    vocabulary: Vocabulary
    vectors: tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]

    @property
    def sides(self) -> tuple[texts.Side, texts.Side]:
        """Both."""
        return self.left, self.right

    @functools.cached_property
    def holders(self) -> tuple[np.ndarray, np.ndarray]:
        """How many things of its side have each phrase: int64 [phrases] of both sides."""
        first, second = (np.bincount(side.spelt)[side.spelt] if len(side) else side.spelt for side in self.sides)
        return first, second

    @functools.cached_property
    def letters(self) -> comparing.Letters:
        """The letters of the words."""
        letters = self.vocabulary.letters
        return comparing.Letters(letters.indptr.astype(np.int64), letters.indices.astype(np.int64), letters.data)

    def side(self, place: int) -> comparing.Side:
        """The words of the left (0) or of the right (1)."""
        own = self.sides[place]
        return comparing.Side(
            own.phrases,
            own.starts,
            own.words,
            own.wholes,
            own.different,
            own.spelt,
            self.holders[place],
            _said(own),
        )

    @functools.cached_property
    def rarity(self) -> np.ndarray:
        """The logarithm of one by the share of things that have a word: float64 [words]."""
        words = len(self.vocabulary.words)
        seen = sum(np.bincount(side.different, minlength=words) for side in self.sides)
        return np.log((len(self.left) + len(self.right) + 1) / (np.asarray(seen) + 0.5))


def read(left: Sequence[texts.Lines], right: Sequence[texts.Lines], max_words: int) -> Texts:
    """Both sides with all that their features need.

    Args:
        left: things.
        right: things.
        max_words: words of a thing that are looked at.
    """
    first, second, vocabulary = texts.read(left, right, max_words)
    return Texts(first, second, vocabulary, candidates.weigh(first, second, vocabulary))


def lexical(of: Texts, pairs: Pairs, habits: Habits) -> np.ndarray:
    """The features of some pairs, float64 [pairs, len(LEXICAL)]."""
    found = np.zeros((len(pairs), len(LEXICAL)))
    known = comparing.Known(habits.kept, habits.keys, habits.strengths)
    comparing.compare(pairs.left, pairs.right, of.side(0), of.side(1), of.letters, of.rarity, known, found)
    found[:, LEXICAL.index("letters")] = row_products(*of.vectors, pairs)
    return found


def encoded(left: np.ndarray, right: np.ndarray, pairs: Pairs) -> np.ndarray:
    """How alike the vectors of some pairs are, float64 [pairs, 2].

    First in standard deviations above things at random, then above what is usual among the candidates of both things,
    in standard deviations of that: CSLS of Conneau et al. (2018), "Word Translation Without Parallel Data", equation 3.

    Args:
        left: float32 [n, dim], rows of length 1.
        right: float32 [m, dim], likewise.
        pairs: which.
    """
    if not len(pairs):
        return np.zeros((0, 2))
    random = np.random.default_rng(1)
    ones, others = (random.integers(len(side), size=_RANDOM_PAIRS) for side in (left, right))
    background = (left[ones] * right[others]).sum(axis=1, dtype=np.float64)
    products = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        products[some] = (left[pairs.left[some]] * right[pairs.right[some]]).sum(axis=1, dtype=np.float64)
    usual = sum(
        (np.bincount(own, products) / np.maximum(np.bincount(own), 1))[own] for own in (pairs.left, pairs.right)
    )
    above = 2 * products - usual
    alike = (products - background.mean()) / max(float(background.std()), _LEAST_SPREAD)
    return np.stack([alike, above / max(float(above.std()), _LEAST_SPREAD)], axis=1)


def row_products(left: scipy.sparse.csr_matrix, right: scipy.sparse.csr_matrix, pairs: Pairs) -> np.ndarray:
    """The products of the rows of some pairs, float64 [pairs]."""
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        product = left[pairs.left[some]].multiply(right[pairs.right[some]])
        found[some] = np.asarray(product.sum(axis=1)).ravel()
    return found


def learn(of: Texts, pairs: Pairs) -> Habits:
    """What some pairs beyond doubt say about words, given what was known before."""
    words = len(of.vocabulary.words)
    seen, kept, alone = np.zeros((3, 2, words))
    together = np.empty(_TOGETHER * len(pairs) + 1, np.int64)
    count = comparing.observe(pairs.left, pairs.right, of.side(0), of.side(1), of.letters, seen, kept, alone, together)
    share = (kept + _PRIOR_KEPT * _PRIOR_WEIGHT) / (seen + _PRIOR_WEIGHT)
    keys, times = np.unique(together[:count], return_counts=True)
    often = times >= _LEAST_SEEN
    keys, times = keys[often], times[often]
    rarer = np.minimum(alone[0, keys // words], alone[1, keys % words]) if len(keys) else np.empty(0)
    strengths = _KNOWN * times / (rarer + _PRIOR_WEIGHT)
    return Habits(share.astype(np.float32), keys, strengths.astype(np.float32))


def _said(side: Side) -> np.ndarray:
    """How much is said of each thing beside what is usual on its side, float64 [things]: logarithms of words."""
    words = np.log1p(np.diff(side.wholes))
    return np.asarray(words / max(float(words.mean()) if len(words) else 0.0, _LEAST_SPREAD))
