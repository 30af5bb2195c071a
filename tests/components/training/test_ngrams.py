"""The yardsticks are what their formulas say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training import ngrams
from components.training.ngrams import KneserNey3
from tests.fixtures.standin import CORPUS

START = 256
DOCUMENTS = [line.encode() for line in CORPUS]


def key(first: int, second: int, third: int) -> int:
    return (first * 257 + second) * 257 + third


@settings(max_examples=60, deadline=None)
@given(
    documents=st.lists(st.binary(max_size=12), max_size=6),
    context=st.tuples(st.integers(0, 256), st.integers(0, 256)),
)
def test_probabilities_sum_to_one_after_every_context(documents: list[bytes], context: tuple[int, int]) -> None:
    model = KneserNey3.fit(documents)
    seen = [(START, START), *((a, b) for document in documents for a, b in itertools.pairwise(document))]
    for first, second in [context, *seen[:4]]:
        given_context = model.probabilities(np.array([key(first, second, byte) for byte in range(256)]))
        assert given_context.sum() == pytest.approx(1.0, abs=1e-9)
        assert (given_context > 0).all()


def test_a_small_example_by_hand() -> None:
    # "aab", "ab": trigrams (S S a) twice, (S a a), (a a b), (S a b) once each: D3 = 3 / (3 + 2) = 0.6.
    # Distinct trigrams by their last two: (S a) 1, (a a) 1, (a b) 2: D2 = 2 / (2 + 2) = 0.5.
    # Distinct bigrams by their last: a 2 (after S and a), b 1: D1 = 1 / (1 + 2) = 1/3; in all 3, of 2 kinds.
    p_b = (1 - 1 / 3) / 3 + (1 / 3) * 2 / 3 / 256
    p_b_after_a = (2 - 0.5) / 3 + 0.5 * 2 / 3 * p_b
    p_b_after_start_a = (1 - 0.6) / 2 + 0.6 * 2 / 2 * p_b_after_a
    model = KneserNey3.fit([b"aab", b"ab"])
    assert model.probabilities(np.array([key(START, ord("a"), ord("b"))]))[0] == pytest.approx(p_b_after_start_a)
    assert model.probabilities(np.array([key(7, ord("a"), ord("b"))]))[0] == pytest.approx(p_b_after_a)
    assert model.probabilities(np.array([key(7, 8, ord("b"))]))[0] == pytest.approx(p_b)


def test_bits_per_byte_is_the_mean_over_all_bytes() -> None:
    model = KneserNey3.fit(DOCUMENTS)
    keys = np.array([key(START, START, ord("a")), key(START, ord("a"), ord("b")), key(START, START, ord("c"))])
    assert model.bits_per_byte([b"ab", b"c"]) == pytest.approx(-np.log2(model.probabilities(keys)).mean())


def test_context_helps() -> None:
    train, held_out = DOCUMENTS[::2], DOCUMENTS[1::2]
    unigram = ngrams.unigram_bits_per_byte(train, held_out)
    assert 0 < KneserNey3.fit(train).bits_per_byte(held_out) < 0.5 * unigram < 4


def test_a_unigram_knows_only_frequencies() -> None:
    assert ngrams.unigram_bits_per_byte([b"ab" * 10_000], [b"aaaa"]) == pytest.approx(1.0, abs=0.02)
    assert ngrams.unigram_bits_per_byte([], [b"ab"]) == pytest.approx(math.log2(256))


def test_nothing_to_judge_takes_no_bits() -> None:
    assert ngrams.unigram_bits_per_byte([b"a"], []) == 0.0
    assert KneserNey3.fit([b"a"]).bits_per_byte([]) == 0.0
    assert KneserNey3.fit([]).bits_per_byte([b"a"]) == pytest.approx(8.0)
