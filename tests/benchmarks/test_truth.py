"""Exact near-duplicate pairs, against the plainest possible computation."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import truth

_TEXT = st.lists(st.sampled_from("abcdé"), max_size=14).map(" ".join)


def shingled(text: str, words: int) -> set[tuple[str, ...]]:
    spoken = re.findall(r"\w+", text.lower())
    return {tuple(spoken[start : start + words]) for start in range(len(spoken) - words + 1)}


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXT, max_size=12), st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), st.sampled_from([1, 2, 3]))
def test_pairs_are_those_of_a_comparison_of_all_with_all(texts, threshold, words):
    sets = [shingled(text, words) for text in texts]
    expected = {}
    for second in range(len(sets)):
        for first in range(second):
            either = sets[first] | sets[second]
            if either and len(sets[first] & sets[second]) / len(either) >= threshold:
                expected[first, second] = len(sets[first] & sets[second]) / len(either)
    found = truth.pairs(texts, threshold, words)
    pairs = zip(found.first.tolist(), found.second.tolist(), strict=True)
    assert dict(zip(pairs, found.similarity.tolist(), strict=True)) == pytest.approx(expected)


def test_recall_and_precision_of_a_clustering():
    pairs = truth.Pairs(np.array([0, 1, 3]), np.array([1, 2, 4]), np.array([0.8, 0.9, 1.0]))
    exact = np.array([0, 0, 0, 3, 3, 5])
    assert truth.components(pairs, 6).tolist() == exact.tolist()
    assert truth.recall(pairs, exact) == truth.precision(pairs, exact) == 1.0
    assert truth.recall(pairs, np.array([0, 0, 2, 3, 3, 5])) == pytest.approx(2 / 3)
    assert truth.precision(pairs, np.array([0, 0, 0, 3, 3, 3])) == pytest.approx(4 / 6)
    assert truth.precision(pairs, np.arange(6)) == 1.0
