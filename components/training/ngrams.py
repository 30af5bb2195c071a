"""Byte n-gram models: the yardstick that a language model has to beat.

A neural model's bits per byte say little by themselves. Beside them the report prints what two classical models reach
on the same held-out bytes after seeing the same training bytes: a byte unigram, and a byte 3-gram with interpolated
Kneser-Ney smoothing.

Source: S. F. Chen and J. Goodman, 'An empirical study of smoothing techniques for language modeling', Computer Speech
and Language 13 (1999), 359-394. In their notation, for the highest order (equation 25) and the lower ones (27, 28):

    p(w3 | w1 w2) = max(c(w1 w2 w3) - D3, 0) / c(w1 w2 .)  +  D3 N1+(w1 w2 .) / c(w1 w2 .) * p(w3 | w2)
    p(w3 | w2)    = max(N1+(. w2 w3) - D2, 0) / N1+(. w2 .)  +  D2 N1+(w2 .) / N1+(. w2 .) * p(w3)
    p(w3)         = max(N1+(. w3) - D1, 0) / N1+(. .)  +  D1 N1+(.) / N1+(. .) / 256

where c counts occurrences, N1+(. w) distinct bytes seen before w, N1+(w .) distinct bytes seen after it, and each
order's discount is D = n1 / (n1 + 2 n2) with n1 and n2 the n-grams of that order counted once and twice. The recursion
ends in the uniform distribution, so that every byte has a probability above zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BYTES = 256
_START = 256  # stands before each document, twice; seen in contexts only, never predicted
_SYMBOLS = 257

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def unigram_bits_per_byte(train: Sequence[bytes], held_out: Sequence[bytes]) -> float:
    """Bits per byte of a byte unigram with add-one smoothing.

    Returns:
        Mean over the bytes of `held_out`; 0.0 if there is none.
    """
    counts = np.bincount(_concatenated(train), minlength=BYTES).astype(np.float64) + 1.0
    seen = _concatenated(held_out)
    return float(-np.log2(counts / counts.sum())[seen].mean()) if seen.size else 0.0


@dataclasses.dataclass(frozen=True)
class KneserNey3:
    """An interpolated Kneser-Ney byte 3-gram.

    Attributes:
        trigrams: distinct `w1 w2 w3` as one number each, sorted.
        trigram_mass: `max(c(w1 w2 w3) - D3, 0) / c(w1 w2 .)` of each.
        contexts: distinct `w1 w2`, sorted.
        context_backoff: `D3 N1+(w1 w2 .) / c(w1 w2 .)` of each.
        bigram: `p(w3 | w2)`, `[257, 256]`.
    """

    trigrams: Ints
    trigram_mass: Floats
    contexts: Ints
    context_backoff: Floats
    bigram: Floats

    @classmethod
    def fit(cls, documents: Sequence[bytes]) -> KneserNey3:
        """Learns from documents, each of which begins anew."""
        keys, counts = np.unique(_trigrams(documents), return_counts=True)
        contexts, first, context_types = np.unique(keys // _SYMBOLS, return_index=True, return_counts=True)
        context_counts = np.add.reduceat(counts, first) if keys.size else np.zeros(0, np.int64)
        discount = _discount(counts)
        return cls(
            trigrams=keys,
            trigram_mass=(counts - discount) / np.repeat(context_counts, context_types),
            contexts=contexts,
            context_backoff=discount * context_types / np.maximum(context_counts, 1),
            bigram=_bigram(keys),
        )

    def probabilities(self, keys: Ints) -> Floats:
        """`p(w3 | w1 w2)` of trigrams given as `(w1 * 257 + w2) * 257 + w3`, with 256 for the start."""
        mass = _look_up(self.trigrams, self.trigram_mass, keys, missing=0.0)
        backoff = _look_up(self.contexts, self.context_backoff, keys // _SYMBOLS, missing=1.0)
        lower: Floats = self.bigram[keys // _SYMBOLS % _SYMBOLS, keys % _SYMBOLS]
        return mass + backoff * lower

    def bits_per_byte(self, documents: Sequence[bytes]) -> float:
        """Mean over the bytes of the documents; 0.0 if there is none."""
        keys = _trigrams(documents)
        return float(-np.log2(self.probabilities(keys)).mean()) if keys.size else 0.0


def _bigram(trigrams: Ints) -> Floats:
    """`p(w3 | w2)`, `[257, 256]`, from the distinct trigrams."""
    # N1+(. w2 w3): how many distinct w1 each pair has, which is how often the pair occurs among distinct trigrams.
    pairs = np.zeros((_SYMBOLS, BYTES))
    np.add.at(pairs, (trigrams // _SYMBOLS % _SYMBOLS, trigrams % _SYMBOLS), 1.0)
    followed = pairs.sum(axis=1, keepdims=True)
    preceding = (pairs > 0).sum(axis=0).astype(np.float64)  # N1+(. w3)
    discount = _discount(preceding)
    uniform = np.full(BYTES, 1.0 / BYTES)
    total = preceding.sum()
    unigram = uniform
    if total:
        unigram = np.maximum(preceding - discount, 0) / total + discount * (preceding > 0).sum() / total * uniform
    discount = _discount(pairs)
    types = (pairs > 0).sum(axis=1, keepdims=True)
    safe = np.maximum(followed, 1.0)
    smoothed: Floats = np.maximum(pairs - discount, 0) / safe + discount * types / safe * unigram
    return np.where(followed > 0, smoothed, unigram)


def _discount(counts: npt.NDArray[np.int64] | Floats) -> float:
    """`n1 / (n1 + 2 n2)`; one half where nothing was counted once, which would give no mass to the unseen."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once else 0.5


def _trigrams(documents: Sequence[bytes]) -> Ints:
    """Each byte with the two symbols before it, as one number."""
    if not any(documents):
        return np.zeros(0, np.int64)
    padded = []
    for document in documents:
        padded += [np.array([_START, _START]), np.frombuffer(document, np.uint8).astype(np.int64)]
    symbols = np.concatenate(padded)
    keys = (symbols[:-2] * _SYMBOLS + symbols[1:-1]) * _SYMBOLS + symbols[2:]
    return keys[symbols[2:] != _START]


def _concatenated(documents: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(documents), np.uint8)


def _look_up(keys: Ints, values: Floats, wanted: Ints, *, missing: float) -> Floats:
    if not keys.size:
        return np.full(wanted.shape, missing)
    place = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    return np.where(keys[place] == wanted, values[place], missing)
