import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cleaning.near_duplicates.shingles import concatenate, shingle

TEXTS = ["The cat_2 sat,  on the mat.", "été ÉTÉ", "Ωmega ωmega", "", "...", "one", "naïve 漢字かな x", "a-b-c-d-e"]
characters = st.characters(codec="utf-8") | st.sampled_from("ab _.É漢\U0001d518")


def of(shingles, row):
    return shingles.hashes[shingles.offsets[row] : shingles.offsets[row + 1]].tolist()


def sequences(text, words):
    """What the hashes stand for, by `re`."""
    found = ["".join(letter.lower()[0] for letter in word) for word in re.findall(r"\w+", text)]
    return [tuple(found[at : at + words]) for at in range(len(found) - words + 1)] or ([tuple(found)] if found else [])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(characters, max_size=60), min_size=1, max_size=6), st.integers(1, 5))
def test_equal_word_sequences_and_only_they_have_equal_hashes(texts, words):
    found = shingle(pa.array(texts), words)
    named = {}
    for row, text in enumerate(texts):
        expected, hashes = sequences(text, words), of(found, row)
        assert len(hashes) == len(expected)
        for sequence, value in zip(expected, hashes, strict=True):
            assert named.setdefault(value, sequence) == sequence
    assert len(set(named.values())) == len(named)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_slices_and_every_arrow_type_give_the_same_hashes(kind):
    values = TEXTS if kind in (pa.string(), pa.large_string()) else [text.encode() for text in TEXTS]
    whole, part = shingle(pa.array(TEXTS), 3), shingle(pa.array(values, kind)[2:7], 3)
    assert part.hashes.dtype == np.uint32 and part.offsets.dtype == np.int64
    assert [of(part, row) for row in range(5)] == [of(whole, row + 2) for row in range(5)]


def test_nulls_and_documents_without_words_have_no_shingles():
    found = shingle(pa.array(["a b c d", None, "", "?!", "a b c d"])[1:], 3)
    assert found.offsets.tolist() == [0, 0, 0, 0, 2]


def test_a_null_that_still_has_bytes_has_no_shingles():
    offsets = pa.py_buffer(np.array([0, 7, 14], np.int32))
    texts = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x02"), offsets, pa.py_buffer(b"a b c da b c d")])
    assert shingle(texts, 3).offsets.tolist() == [0, 0, 2]


@pytest.mark.parametrize("texts", [pa.array([], pa.string()), pa.array([None, None], pa.large_binary())])
def test_nothing_gives_nothing(texts):
    assert shingle(texts, 3).offsets.tolist() == [0] * (len(texts) + 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_bytes_that_are_not_utf8_stay_within_their_document(contents):
    together = shingle(pa.array([*contents, b"\xf0\x9d\x94"], pa.binary()), 2)
    alone = [shingle(pa.array([content], pa.binary()), 2).hashes.tolist() for content in contents]
    assert [of(together, row) for row in range(len(contents))] == alone


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xe6\xbc", b"\xf0\x9d\x94", b"\xf4\xbf\xbf\xbf", b"\x80"])
def test_a_byte_that_is_not_utf8_ends_a_word(broken):
    whole = shingle(pa.array([b"one two", b"one" + broken + b"two", b"one two" + broken], pa.binary()), 2)
    assert of(whole, 0) == of(whole, 1) == of(whole, 2)


def test_a_long_document_is_hashed_as_its_parts_are():
    words = [f"w{number}" for number in range(5000)]
    whole = shingle(pa.array([" ".join(words)]), 13).hashes
    assert len(whole) == 5000 - 12
    for start in (0, 1012, 1013, 1024, 4987):
        assert of(shingle(pa.array([" ".join(words[start : start + 13])]), 13), 0) == [whole[start]]


def test_the_hashes_of_ascii_never_change():
    assert shingle(pa.array(["The quick brown Fox"]), 3).hashes.tolist() == PINNED


def test_parts_come_together_in_their_order():
    parts = [shingle(pa.array(TEXTS[:3]), 2), shingle(pa.array(TEXTS[3:]), 2)]
    whole, joined = shingle(pa.array(TEXTS), 2), concatenate(parts)
    assert joined.hashes.tolist() == whole.hashes.tolist() and joined.offsets.tolist() == whole.offsets.tolist()


def test_other_types_are_refused_by_name():
    with pytest.raises(TypeError, match="int64"):
        shingle(pa.array([1, 2]), 3)


PINNED = [3755901887, 286288251]
