"""The inner loops over the words of pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled

OTHER = 0.75
"""What a counterpart counts that is not in the name but elsewhere in the text."""
_SOFT = 0.55  # of letters in common, below which two words are two words
_ALONE = 0.5  # as well as which a word must be found to have a counterpart
_SURELY_KEPT = 0.995


class Side(NamedTuple):
    """The arrays of a `texts.Side`, and for each phrase its number and how many things of the side have it."""

    phrases: np.ndarray
    starts: np.ndarray
    words: np.ndarray
    wholes: np.ndarray
    different: np.ndarray
    numbers: np.ndarray
    holders: np.ndarray


class Letters(NamedTuple):
    """The words' character n-grams as the arrays of a CSR matrix."""

    starts: np.ndarray
    grams: np.ndarray
    weights: np.ndarray


class Known(NamedTuple):
    """What is known of words, as in `features.Habits`."""

    kept: np.ndarray
    keys: np.ndarray
    strengths: np.ndarray


@compiled
def compare(
    lefts: np.ndarray,
    rights: np.ndarray,
    left: Side,
    right: Side,
    letters: Letters,
    rarity: np.ndarray,
    known: Known,
    found: np.ndarray,
) -> None:
    """Writes the features of some pairs, all but `letters`, into float64 [pairs, `features.LEXICAL`]."""
    for pair in range(len(lefts)):
        i, j = lefts[pair], rights[pair]
        row = found[pair]
        first, second = left.phrases[i], right.phrases[j]
        name = left.words[left.starts[first] : left.starts[first + 1]]
        other_name = right.words[right.starts[second] : right.starts[second + 1]]
        same = left.numbers[first] == right.numbers[second] and len(name) > 0
        by_phrases(i, j, left, right, letters, rarity, row)
        agreed, weight = 0.0, 0.0
        covers, missing = np.zeros(2), np.zeros(2)
        for flipped in range(2):
            own = other_name if flipped else name
            theirs = name if flipped else other_name
            whole = (
                left.different[left.wholes[i] : left.wholes[i + 1]]
                if flipped
                else right.different[right.wholes[j] : right.wholes[j + 1]]
            )
            covered, total = 0.0, 0.0
            for word in own:
                near = counterpart(word, flipped == 1, theirs, letters, len(rarity), known)
                far = near
                if near < 1.0:
                    far = max(near, OTHER * counterpart(word, flipped == 1, whole, letters, len(rarity), known))
                loss = -np.log(1.0 - min(known.kept[flipped, word], _SURELY_KEPT))
                agreed += rarity[word] * near
                weight += rarity[word]
                covered += loss * rarity[word] * far
                total += loss * rarity[word]
                missing[flipped] += loss * (1.0 - far)
            covers[flipped] = covered / total if total > 0 else 0.0
        row[0] = 1.0 if same else 0.0
        row[1] = 1.0 if min(covers[0], covers[1]) > 0.999 else 0.0
        row[5] = agreed / weight if weight > 0 else 0.0
        row[6] = min(covers[0], covers[1])
        row[7] = max(covers[0], covers[1])
        row[8] = np.log1p(min(missing[0], missing[1]))
        row[9] = np.log1p(max(missing[0], missing[1]))
        row[11] = np.log1p(agreed)


@compiled
def observe(
    lefts: np.ndarray,
    rights: np.ndarray,
    left: Side,
    right: Side,
    letters: Letters,
    seen: np.ndarray,
    kept: np.ndarray,
    alone: np.ndarray,
    together: np.ndarray,
) -> int:
    """Counts what pairs beyond doubt say about words.

    Args:
        lefts: int64 [pairs].
        rights: int64 [pairs].
        left: the words.
        right: the words.
        letters: of the words.
        seen: float64 [2, words], gets how often a word is in a name of the left, of the right.
        kept: float64 [2, words], gets how well it is found on the other side, summed.
        alone: float64 [2, words], gets how often it has no counterpart in the other name.
        together: int64, gets left * words + right for words without a counterpart in one pair, as many as it holds.

    Returns:
        How much of `together` is filled.
    """
    words = seen.shape[1]
    count = 0
    nothing = Known(np.empty((2, 0), np.float32), np.empty(0, np.int64), np.empty(0, np.float32))
    for pair in range(len(lefts)):
        i, j = lefts[pair], rights[pair]
        first, second = left.phrases[i], right.phrases[j]
        name = left.words[left.starts[first] : left.starts[first + 1]]
        other_name = right.words[right.starts[second] : right.starts[second + 1]]
        lonely = np.zeros((2, max(len(name), len(other_name))), np.bool_)
        for flipped in range(2):
            own = other_name if flipped else name
            theirs = name if flipped else other_name
            whole = (
                left.different[left.wholes[i] : left.wholes[i + 1]]
                if flipped
                else right.different[right.wholes[j] : right.wholes[j + 1]]
            )
            for place, word in enumerate(own):
                near = counterpart(word, flipped == 1, theirs, letters, words, nothing)
                far = OTHER * counterpart(word, flipped == 1, whole, letters, words, nothing)
                seen[flipped, word] += 1
                kept[flipped, word] += max(near, far)
                if near < _ALONE:
                    alone[flipped, word] += 1
                    lonely[flipped, place] = True
        for p in range(len(name)):
            for q in range(len(other_name)):
                if lonely[0, p] and lonely[1, q] and count < len(together):
                    together[count] = np.int64(name[p]) * words + other_name[q]
                    count += 1
    return count


@compiled
def by_phrases(i: int, j: int, left: Side, right: Side, letters: Letters, rarity: np.ndarray, row: np.ndarray) -> None:
    """The features of the phrases of a pair, of which one at least is a name: the best of all."""
    first, second = left.phrases[i], right.phrases[j]
    for p in range(first, left.phrases[i + 1]):
        for q in range(second, right.phrases[j + 1]):
            if p > first and q > second:
                break
            one = left.words[left.starts[p] : left.starts[p + 1]]
            other = right.words[right.starts[q] : right.starts[q + 1]]
            if left.numbers[p] == right.numbers[q] and len(one) > 0:
                row[2] = max(row[2], 1.0 / max(left.holders[p], right.holders[q]))
            exact, near, total = 0.0, 0.0, 0.0
            for flipped in range(2):
                theirs = one if flipped else other
                for word in other if flipped else one:
                    best = 0.0
                    for candidate in theirs:
                        best = max(best, alike(word, candidate, letters))
                    near += rarity[word] * best
                    total += rarity[word]
                    if best == 1.0 and not flipped:
                        exact += rarity[word]
            if total > 0:
                row[3] = max(row[3], exact / max(total - exact, 1e-9))
                row[4] = max(row[4], near / total)


@compiled
def counterpart(word: int, flipped: bool, others: np.ndarray, letters: Letters, words: int, known: Known) -> float:
    """How well a word is found among others: 1 for itself. `flipped`: it is of the right."""
    for other in others:
        if other == word:
            return 1.0
    best = 0.0
    for other in others:
        best = max(best, alike(word, other, letters))
        if len(known.keys) > 0:
            key = np.int64(other) * words + word if flipped else np.int64(word) * words + other
            place = np.searchsorted(known.keys, key)
            if place < len(known.keys) and known.keys[place] == key:
                best = max(best, known.strengths[place])
    return best


@compiled
def alike(one: int, other: int, letters: Letters) -> float:
    """What two words' letters have in common, 0 if that is little."""
    if one == other:
        return 1.0
    first, first_end = letters.starts[one], letters.starts[one + 1]
    second, second_end = letters.starts[other], letters.starts[other + 1]
    total = 0.0
    while first < first_end and second < second_end:
        if letters.grams[first] == letters.grams[second]:
            total += letters.weights[first] * letters.weights[second]
            first += 1
            second += 1
        elif letters.grams[first] < letters.grams[second]:
            first += 1
        else:
            second += 1
    return total if total >= _SOFT else 0.0
