"""The inner loops over the words of pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled

LEXICAL = (
    "same_name",
    "same_words",
    "known_name",
    "known_among_few",
    "phrase_overlap",
    "phrase_letters",
    "name_agreement",
    "least_coverage",
    "most_coverage",
    "least_missing",
    "most_missing",
    "least_shared",
    "most_shared",
    "evidence",
    "said",
    "letters",
)
"""The names of the features, in their order."""
_FEATURES = {name: place for place, name in enumerate(LEXICAL)}
_SAME_NAME, _SAME_WORDS = _FEATURES["same_name"], _FEATURES["same_words"]
_KNOWN_NAME, _KNOWN_AMONG_FEW = _FEATURES["known_name"], _FEATURES["known_among_few"]
_PHRASE_OVERLAP, _PHRASE_LETTERS = _FEATURES["phrase_overlap"], _FEATURES["phrase_letters"]
_AGREEMENT, _EVIDENCE, _SAID = _FEATURES["name_agreement"], _FEATURES["evidence"], _FEATURES["said"]
_LEAST_COVERAGE, _MOST_COVERAGE = _FEATURES["least_coverage"], _FEATURES["most_coverage"]
_LEAST_MISSING, _MOST_MISSING = _FEATURES["least_missing"], _FEATURES["most_missing"]
_LEAST_SHARED, _MOST_SHARED = _FEATURES["least_shared"], _FEATURES["most_shared"]

OTHER = 0.75
"""What a counterpart counts that is not in the name but elsewhere in the text."""
_SOFT = 0.55  # of letters in common, below which two words are two words
_ALONE = 0.5  # as well as which a word must be found to have a counterpart
_SURELY_KEPT = 0.995
_WHOLLY = 0.999


class Side(NamedTuple):
    """The arrays of a `texts.Side`, how many things of the side have each phrase, and how much is said of each thing."""

    phrases: np.ndarray
    starts: np.ndarray
    words: np.ndarray
    wholes: np.ndarray
    different: np.ndarray
    spelt: np.ndarray
    holders: np.ndarray
    said: np.ndarray


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
    """Writes the features of some pairs, all but `letters`, into float64 [pairs, `LEXICAL`]."""
    for pair in range(len(lefts)):
        i, j = lefts[pair], rights[pair]
        row = found[pair]
        first, second = left.phrases[i], right.phrases[j]
        name = left.words[left.starts[first] : left.starts[first + 1]]
        other_name = right.words[right.starts[second] : right.starts[second + 1]]
        same = left.spelt[first] == right.spelt[second] and len(name) > 0
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
        row[_SAME_NAME] = 1.0 if same else 0.0
        row[_SAME_WORDS] = 1.0 if min(covers[0], covers[1]) > _WHOLLY else 0.0
        row[_AGREEMENT] = agreed / weight if weight > 0 else 0.0
        row[_LEAST_COVERAGE] = min(covers[0], covers[1])
        row[_MOST_COVERAGE] = max(covers[0], covers[1])
        row[_LEAST_MISSING] = np.log1p(min(missing[0], missing[1]))
        row[_MOST_MISSING] = np.log1p(max(missing[0], missing[1]))
        row[_EVIDENCE] = np.log1p(agreed)
        row[_SAID] = (left.said[i] + right.said[j]) / 2.0
        by_wholes(i, j, left, right, rarity, row)


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
            if left.spelt[p] == right.spelt[q] and len(one) > 0:
                alone = 1.0 / max(left.holders[p], right.holders[q])
                others = left.phrases[i + 1] - first if p > first else right.phrases[j + 1] - second
                row[_KNOWN_NAME] = max(row[_KNOWN_NAME], alone)
                if p == first and q == second:
                    row[_KNOWN_AMONG_FEW] = max(row[_KNOWN_AMONG_FEW], alone)
                else:
                    row[_KNOWN_AMONG_FEW] = max(row[_KNOWN_AMONG_FEW], alone / np.sqrt(others - 1.0))
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
                row[_PHRASE_OVERLAP] = max(row[_PHRASE_OVERLAP], exact / max(total - exact, 1e-9))
                row[_PHRASE_LETTERS] = max(row[_PHRASE_LETTERS], near / total)


@compiled
def by_wholes(i: int, j: int, left: Side, right: Side, rarity: np.ndarray, row: np.ndarray) -> None:
    """The features of all words of a pair: the share that is on the other side as well."""
    first, first_end = left.wholes[i], left.wholes[i + 1]
    second, second_end = right.wholes[j], right.wholes[j + 1]
    total, other_total, shared = 0.0, 0.0, 0.0
    for word in left.different[first:first_end]:
        total += rarity[word]
    for word in right.different[second:second_end]:
        other_total += rarity[word]
    while first < first_end and second < second_end:
        if left.different[first] == right.different[second]:
            shared += rarity[left.different[first]]
            first += 1
            second += 1
        elif left.different[first] < right.different[second]:
            first += 1
        else:
            second += 1
    if shared > 0:
        row[_LEAST_SHARED] = shared / max(total, other_total)
        row[_MOST_SHARED] = shared / min(total, other_total)


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
