"""The words of things: how texts are read, and the arrays that everything else works on.

A thing is lines of text. The first line is its name; what follows are other names, tags or descriptions, divided into
phrases at commas, semicolons and line ends. Words are compared without case, accents and English inflection; numbers
in words are read as digits.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse
from nltk.stem.snowball import SnowballStemmer
from sklearn.feature_extraction.text import HashingVectorizer

Lines = Sequence[str]
"""A thing's texts: its name, then whatever else is said of it."""

_MOST_CHARACTERS = 20_000
_LONGEST_WORD = 60
_LONGEST_PHRASE = 30  # words; those after it count as words of the whole only
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’ʼ`´")
_PHRASES = re.compile(r"[,;|\n\r]+")
_CARDINALS = "zero one two three four five six seven eight nine ten eleven twelve"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_NUMBERS = {word: str(number) for number, word in enumerate(_CARDINALS.split())} | {
    word: f"{number}{_ENDINGS.get(number, 'th')}" for number, word in enumerate(_ORDINALS.split(), start=1)
}
_NGRAMS = (2, 4)
_HASHES = 2**20


@dataclasses.dataclass(frozen=True)
class Side:
    """The words of one side's things, as numbers of a vocabulary that both sides share.

    Attributes:
        phrases: int64 [things + 1], where each thing's phrases begin; a thing's first phrase is its name.
        starts: int64 [phrases + 1], where each phrase's words begin.
        words: int32, the words of the phrases in their order.
        wholes: int64 [things + 1], where each thing's different words begin.
        different: int32, the different words of each thing, rising.
        spelt: int64 [phrases], a number for each phrase: the same for both sides where it is spelt alike but for case,
            accents, spaces and signs.
    """

    phrases: np.ndarray
    starts: np.ndarray
    words: np.ndarray
    wholes: np.ndarray
    different: np.ndarray
    spelt: np.ndarray

    def __len__(self) -> int:
        return len(self.phrases) - 1


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The words of both sides.

    Attributes:
        words: stems, sorted.
        letters: float32 CSR [words, 2^20], hashed character 2- to 4-grams, each row of length 1, rarer ones heavier.
    """

    words: tuple[str, ...]
    letters: scipy.sparse.csr_matrix


def read(left: Sequence[Lines], right: Sequence[Lines], max_words: int) -> tuple[Side, Side, Vocabulary]:
    """The words of two sides.

    Args:
        left: things.
        right: things.
        max_words: words of a thing that are looked at.
    """
    phrased = [[_phrases(lines, max_words) for lines in side] for side in (left, right)]
    phrases = [phrase for side in phrased for own in side for phrase in own]
    words = tuple(sorted({word for phrase in phrases for word in phrase.words}))
    numbers = {word: number for number, word in enumerate(words)}
    spellings = {spelling: number for number, spelling in enumerate(sorted({phrase.spelling for phrase in phrases}))}
    first, second = (_side(side, numbers, spellings) for side in phrased)
    return first, second, Vocabulary(words, _letters(words))


def split(text: str) -> list[str]:
    """The words of a text in lower case, without accents and apostrophes. If it has none, its signs."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(character)
    ).translate(_APOSTROPHES)
    found = [word[:_LONGEST_WORD] for word in _WORD.findall(plain)]
    return found or [character for character in plain if not character.isspace()]


@dataclasses.dataclass(frozen=True)
class _Phrase:
    """Stems, and what they were stems of, in one piece."""

    words: tuple[str, ...]
    spelling: str


def _phrases(lines: Lines, max_words: int) -> list[_Phrase]:
    """The name, then the other phrases that have words, each once."""
    name, *others = lines or ("",)
    left = max_words
    found: dict[str, _Phrase] = {}
    texts = itertools.chain(
        [name[:_MOST_CHARACTERS]],
        (phrase for line in others for phrase in _PHRASES.split(line[:_MOST_CHARACTERS])),
    )
    for text in texts:
        words = split(text)[:left]
        spelling = "".join(words)
        if found and (not words or spelling in found):
            continue
        found[spelling] = _Phrase(tuple(map(_stem, words)), spelling)
        left -= len(words)
        if left <= 0:
            break
    return list(found.values())


@functools.lru_cache(maxsize=1_000_000)
def _stem(word: str) -> str:
    if word in _NUMBERS:
        return _NUMBERS[word]
    return str(_stemmer().stem(word)) if word.isascii() and word.isalpha() else word


@functools.cache
def _stemmer() -> SnowballStemmer:
    return SnowballStemmer("english")


def _side(phrased: Iterable[list[_Phrase]], numbers: dict[str, int], spellings: dict[str, int]) -> Side:
    counts: list[int] = []
    lengths: list[int] = []
    words: list[int] = []
    sizes: list[int] = []
    different: list[int] = []
    spelt: list[int] = []
    for phrases in phrased:
        counts.append(len(phrases))
        own = [[numbers[word] for word in phrase.words] for phrase in phrases]
        spelt.extend(spellings[phrase.spelling] for phrase in phrases)
        kept = [phrase[:_LONGEST_PHRASE] for phrase in own]
        lengths.extend(map(len, kept))
        words.extend(itertools.chain.from_iterable(kept))
        flat = itertools.chain.from_iterable(own)
        distinct = sorted(set(flat))
        sizes.append(len(distinct))
        different.extend(distinct)
    return Side(
        _offsets(counts),
        _offsets(lengths),
        np.array(words, np.int32),
        _offsets(sizes),
        np.array(different, np.int32),
        np.array(spelt, np.int64),
    )


def _offsets(counts: Sequence[int]) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(np.array(counts, np.int64)))).astype(np.int64)


def _letters(words: Sequence[str]) -> scipy.sparse.csr_matrix:
    hashing = HashingVectorizer(
        analyzer="char_wb", ngram_range=_NGRAMS, n_features=_HASHES, norm=None, alternate_sign=False, dtype=np.float32
    )
    if not words:
        return scipy.sparse.csr_matrix((0, _HASHES), dtype=np.float32)
    counts = hashing.transform(words)
    frequency = np.bincount(counts.indices, minlength=_HASHES)
    counts.data *= np.log1p(len(words) / frequency[counts.indices]).astype(np.float32)
    return unit_rows(counts)


def unit_rows(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """A matrix whose rows have length 1, or 0 where they are empty; sorted indices."""
    matrix = matrix.tocsr()
    matrix.sum_duplicates()
    matrix.sort_indices()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    matrix.data = (matrix.data * np.repeat(scale, np.diff(matrix.indptr))).astype(np.float32)
    return matrix
