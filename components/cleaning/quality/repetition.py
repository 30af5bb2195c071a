"""How much of a text is sequences of words that it repeats, in one compiled pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.cleaning.near_duplicates.kernels import compiled, mix

LONGEST = 10
TOP = 4
"""Up to this length only the most frequent sequence counts."""

_BASE = np.uint64(0x100000001B3)
_SEQUENCE = np.uint64(0xD1342543DE82EF95)
_PROBES = 64  # a table filled by a hostile text cannot slow a look-up down; what is not found by then counts as new


def shares(text: str) -> npt.NDArray[np.float64]:
    """The shares of a text's characters, white space apart, that lie in repeated sequences of words.

    As Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A1.1): for 2 to 4 words those in any occurrence of the most
    frequent sequence, if it occurs twice (of equally frequent ones the longest); for 5 to 10 words those in sequences
    that occurred before. No character counts twice.

    Returns:
        float64 [11]: element n for sequences of n words; elements 0 and 1 are 0.
    """
    result = np.zeros(LONGEST + 1)
    _shares(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8), result)
    return result


@compiled
def _shares(data, result):  # type: ignore[no-untyped-def]
    words = np.empty(len(data) // 2 + 1, np.uint64)
    ends = np.empty(len(data) // 2 + 2, np.int64)  # characters up to the end of each word
    ends[0] = 0
    count, characters = 0, 0
    word = np.uint64(0)
    inside = False
    for byte in data:
        if byte == 0x20 or 9 <= byte <= 13:
            if inside:
                words[count] = mix(word)
                count += 1
                ends[count] = characters
                word = np.uint64(0)
                inside = False
            continue
        inside = True
        word = (word + np.uint64(byte) + np.uint64(1)) * _BASE
        characters += byte & 0xC0 != 0x80
    if inside:
        words[count] = mix(word)
        count += 1
        ends[count] = characters
    if count < 2:
        return
    size = 4
    while size < 2 * count:
        size *= 2
    table = np.empty(size, np.int32)
    first = np.empty(count, np.int32)
    often = np.empty(count, np.int32)
    sequences = words[:count].copy()
    for length in range(2, LONGEST + 1):
        places = count - length + 1
        if places < 2:
            return
        repeated = _find(sequences, words, length, places, table, first, often)
        if not repeated:  # nor can a longer sequence be
            return
        covered = _top(first, often, ends, length, places) if length <= TOP else _later(first, ends, length, places)
        result[length] = covered / characters


@compiled
def _find(sequences, words, length, places, table, first, often):  # type: ignore[no-untyped-def]
    """Finds where each sequence occurs first and how often; whether any occurs twice."""
    table[:] = -1
    wrap = len(table) - 1
    repeated = False
    for place in range(places):
        value = mix(sequences[place] * _SEQUENCE + words[place + length - 1])
        sequences[place] = value
        first[place] = place
        often[place] = 1
        slot = np.int64(value & np.uint64(wrap))
        for _ in range(_PROBES):
            known = table[slot]
            if known < 0:
                table[slot] = place
                break
            if sequences[known] == value:
                first[place] = known
                often[known] += 1
                repeated = True
                break
            slot = (slot + 1) & wrap
    return repeated


@compiled
def _top(first, often, ends, length, places):  # type: ignore[no-untyped-def]
    """The characters in occurrences of the most frequent sequence."""
    best = 0
    for place in range(1, places):
        more = often[place] - often[best]
        if more > 0 or (
            more == 0
            and ends[place + length] - ends[place] > ends[best + length] - ends[best]
            and first[place] == place
        ):
            best = place
    covered, done = 0, 0
    for place in range(places):
        if first[place] == best:
            covered += ends[place + length] - ends[max(place, done)]
            done = place + length
    return covered


@compiled
def _later(first, ends, length, places):  # type: ignore[no-untyped-def]
    """The characters in sequences that occurred before."""
    covered, done = 0, 0
    for place in range(places):
        if first[place] != place:
            covered += ends[place + length] - ends[max(place, done)]
            done = place + length
    return covered
