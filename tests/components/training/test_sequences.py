"""A batch laid out in a graph is what the servers lay out one by one."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training import sequences
from serving import sequence

ids = st.lists(st.integers(5, 90), max_size=9)


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(ids, ids), min_size=1, max_size=5),
    text_tokens=st.integers(1, 7),
    code_tokens=st.integers(1, 7),
)
def test_both_layouts_agree(pairs: list[tuple[list[int], list[int]]], text_tokens: int, code_tokens: int) -> None:
    text, code = (tf.ragged.constant([pair[i] for pair in pairs], tf.int32, ragged_rank=1) for i in (0, 1))
    found_ids, found_segments = sequences.layout(text, code, text_tokens=text_tokens, code_tokens=code_tokens)
    expected = [sequence.layout(*pair, text_tokens=text_tokens, code_tokens=code_tokens) for pair in pairs]
    np.testing.assert_array_equal(found_ids, [one for one, _ in expected])
    np.testing.assert_array_equal(found_segments, [one for _, one in expected])
