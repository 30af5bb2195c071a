"""Documents as sets of word sequences: `\\w+` words, lower case, hashed in one pass over Arrow's UTF-8 buffers.

A word character is what Python's `str.isalnum` says, or `_`: what `\\w` matches in `re`. Characters are lower-cased one
by one (the first character of `str.lower`), so that a word has the same hash wherever it stands. Both follow the
Unicode version of the interpreter (`unicodedata.unidata_version`; 13.0 in Python 3.10, 14.0 in 3.11, 15.1 in 3.13): the
hashes of texts in characters newer than 13.0 may differ between interpreters, all others are the same everywhere.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.cleaning.near_duplicates.kernels import compiled, mix

_CHARACTERS = 0x110000
_WORD = np.uint64(0x9E3779B97F4A7C15)  # odd; the golden ratio's fraction, as in Knuth's multiplicative hashing
_SEQUENCE = np.uint64(0xD1342543DE82EF95)  # odd; a multiplier of Steele and Vigna, 'Computationally easy ...', 2021
_TURN, _BACK, _HIGH = np.uint64(5), np.uint64(59), np.uint64(32)
_AT_ONCE = 1024  # words that are found before they are hashed: they stay in the processor's first cache


@dataclasses.dataclass(frozen=True)
class Shingles:
    """The hashed word sequences of documents, in reading order, repetitions included.

    Attributes:
        hashes: uint32 [total].
        offsets: int64 [documents + 1]; document d has `hashes[offsets[d]:offsets[d + 1]]`.
    """

    hashes: np.ndarray
    offsets: np.ndarray


def shingle(texts: pa.Array, words: int) -> Shingles:
    """The hashes of all sequences of `words` words of each document.

    A document of fewer words has one sequence, of all its words. One without words, or a null, has none: it is like
    nothing. A byte that is not UTF-8 ends a word.

    Args:
        texts: string, large_string, binary or large_binary.
        words: at least 1.
    """
    return shingle_spans(*spans(texts), words)


def spans(texts: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the documents of an Arrow array lie: (the bytes, int64 starts, int64 ends); nothing is copied but offsets.

    Raises:
        TypeError: the array holds neither strings nor bytes.
    """
    kinds = {pa.string(): np.int32, pa.binary(): np.int32, pa.large_string(): np.int64, pa.large_binary(): np.int64}
    if texts.type not in kinds:
        raise TypeError(f"documents are strings or bytes, not {texts.type}")
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        nothing = np.zeros(len(texts), np.int64)
        return _readonly(np.zeros(0, np.uint8)), nothing, nothing
    ends = np.frombuffer(offsets, kinds[texts.type])[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    starts, ends = ends[:-1], ends[1:]
    if texts.null_count:
        ends = np.where(pc.is_valid(texts).to_numpy(zero_copy_only=False), ends, starts)
    return _readonly(np.frombuffer(data, np.uint8)), starts, ends


def shingle_spans(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, words: int) -> Shingles:
    """As `shingle`, of the documents `data[starts[d]:ends[d]]`.

    Args:
        data: uint8, as `spans` gives it.
        starts: int64 [documents].
        ends: int64 [documents].
        words: at least 1.
    """
    hashes = np.empty(int(((ends - starts + 1) // 2).sum()) + 1, np.uint32)  # two words have a byte between them
    offsets = np.zeros(len(starts) + 1, np.int64)
    _shingle(data, np.ascontiguousarray(starts), np.ascontiguousarray(ends), _letters(), words, hashes, offsets)
    return Shingles(hashes[: offsets[-1]].copy(), offsets)


def concatenate(parts: Sequence[Shingles]) -> Shingles:
    """The shingles of all documents of some parts, in their order."""
    before = np.cumsum([0, *(len(part.hashes) for part in parts)])
    offsets = [part.offsets[1:] + shift for part, shift in zip(parts, before, strict=False)]
    return Shingles(np.concatenate([part.hashes for part in parts]), np.concatenate([np.zeros(1, np.int64), *offsets]))


@functools.cache
def _letters() -> np.ndarray:
    """uint32 [0x110000]: the lower case of each word character, 0 for all others."""
    characters = list(map(chr, range(_CHARACTERS)))
    table = np.zeros(_CHARACTERS, np.uint32)
    found = np.flatnonzero(np.frombuffer(bytes(map(str.isalnum, characters)), np.uint8))
    table[found] = [ord(characters[code].lower()[0]) for code in found.tolist()]
    table[ord("_")] = ord("_")
    return _readonly(table)


def _readonly(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False  # always, so that the loop is compiled for one type
    return array


@compiled
def _shingle(data, starts, ends, letters, words, hashes, offsets):  # type: ignore[no-untyped-def]
    # Words are of any length, so a branch at their ends would be mispredicted at most of them: the loop over bytes has
    # none. It stores the unfinished word at every byte, and moves on to the next place only where one has ended.
    steps = np.empty(0x80, np.uint64)
    for byte in range(0x80):
        steps[byte] = np.uint64(letters[byte]) * _WORD
    oldest = np.uint64(1)
    for _ in range(words):
        oldest *= _SEQUENCE
    found = np.empty(words + _AT_ONCE + 8, np.uint64)  # first the last words of the run before
    total = np.int64(0)
    for document in range(len(starts)):
        position, end = starts[document], ends[document]
        found[:words] = 0
        count = np.int64(0)
        word, sequence = np.uint64(0), np.uint64(0)
        while position < end:
            filled = words
            while position < end and filled < words + _AT_ONCE:
                high = np.uint8(0x80)
                if position + 8 <= end:
                    high = np.uint8(0)
                    for ahead in range(8):
                        high |= data[position + ahead]
                if high < 0x80:
                    for ahead in range(8):
                        step = steps[data[position + ahead]]
                        found[filled] = word
                        filled += np.int64((step == 0) & (word != 0))
                        word = (((word << _TURN) | (word >> _BACK)) + step) & (np.uint64(0) - np.uint64(step != 0))
                    position += 8
                    continue
                stop = min(end, position + 8)
                while position < stop:
                    code, position = _character(data, position, end)
                    step = np.uint64(letters[code]) * _WORD
                    found[filled] = word
                    filled += np.int64((step == 0) & (word != 0))
                    word = (((word << _TURN) | (word >> _BACK)) + step) & (np.uint64(0) - np.uint64(step != 0))
            if position == end and word:
                found[filled] = word
                filled += 1
            # A polynomial over the last words, modulo 2**64: the oldest leaves, the others move up.
            for place in range(words, filled):
                found[place] *= _SEQUENCE
                found[place] ^= found[place] >> _HIGH
                sequence = sequence * _SEQUENCE + found[place] - found[place - words] * oldest
                hashes[total] = np.uint32(mix(sequence) >> _HIGH)
                count += 1
                total += np.int64(count >= words)
            for place in range(words):
                found[place] = found[filled - words + place]
        if 0 < count < words:
            hashes[total] = np.uint32(mix(sequence) >> _HIGH)
            total += 1
        offsets[document + 1] = total


@compiled
def _character(data, position, end):  # type: ignore[no-untyped-def]
    """The character at a position and the position after it; a byte that is not UTF-8 is a space."""
    byte = np.int64(data[position])
    if byte < 0x80:
        return byte, position + 1
    more = (byte >= 0xC2) + (byte >= 0xE0) + (byte >= 0xF0)
    if more == 0 or position + more >= end:
        return 0x20, position + 1
    code = byte & (0x3F >> more)
    for ahead in range(1, more + 1):
        byte = np.int64(data[position + ahead])
        if byte & 0xC0 != 0x80:
            return 0x20, position + 1
        code = (code << 6) | (byte & 0x3F)
    if code >= _CHARACTERS:
        return 0x20, position + 1
    return code, position + more + 1
