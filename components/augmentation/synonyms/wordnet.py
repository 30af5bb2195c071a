"""WordNet's senses of words (Fellbaum 1998; the formats are in wndb(5WN) and senseidx(5WN)), from its sense index.

nltk's reader is of no use here: since 3.10 it refuses directories outside of its own data, and Debian's WordNet lacks
a file (`lexnames`) that it insists on. One file of a line a sense holds all that is asked: which words share a
meaning, and how often each occurs with it in the texts that WordNet's authors tagged.
"""

from __future__ import annotations

import functools
import pathlib
from collections import defaultdict
from typing import Literal, NamedTuple

from schemas.errors import IntegrityError, SourceError

PartOfSpeech = Literal["noun", "verb", "adj", "adv"]
PARTS: tuple[PartOfSpeech, ...] = ("noun", "verb", "adj", "adv")

_TYPES: dict[str, PartOfSpeech] = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
# The rules of detachment of morphy(7WN).
_ENDINGS: dict[PartOfSpeech, tuple[tuple[str, str], ...]] = {
    "noun": (("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("ies", "y")),
    "verb": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
_PLACES = "15"
_ALL = 1 << 30
_REMEDY = "sudo apt-get install wordnet-base wordnet-sense-index"


class Sense(NamedTuple):
    """One meaning of a word.

    Attributes:
        synset: the meaning: part of speech and position in WordNet's data.
        rank: 1 for the word's most frequent sense in this part of speech.
        times: how often the word occurs with it in the tagged texts.
        place: whether it is a place (lexnames(5WN), file 15), as a rule a name.
    """

    synset: tuple[PartOfSpeech, int]
    rank: int
    times: int
    place: bool


class WordNet:
    """The sense index of a directory, in memory. Words are lower case, `_` between those of a phrase."""

    def __init__(
        self,
        senses: dict[tuple[str, PartOfSpeech], list[Sense]],
        words: dict[tuple[PartOfSpeech, int], list[str]],
        irregular: dict[tuple[str, PartOfSpeech], tuple[str, ...]],
    ):
        self._senses, self._words, self._irregular = senses, words, irregular
        self._exceptions: dict[tuple[str, PartOfSpeech], set[str]] = defaultdict(set)
        for (form, part), bases in irregular.items():
            for base in bases:
                self._exceptions[base, part].add(form)

    def senses(self, word: str, part: PartOfSpeech) -> list[Sense]:
        """The senses of a base form, the most frequent first; none if there is no such word."""
        return self._senses.get((word, part), [])

    def words(self, synset: tuple[PartOfSpeech, int]) -> list[str]:
        """The words that share a meaning, in alphabetical order."""
        return self._words[synset]

    def bases(self, word: str, part: PartOfSpeech) -> list[str]:
        """What a word may be a form of, itself included, as morphy(7WN) finds it."""
        candidates = [word, *self._irregular.get((word, part), ())]
        if len(candidates) == 1:
            candidates += [
                word.removesuffix(ending) + base
                for ending, base in _ENDINGS[part]
                if word.endswith(ending) and word != ending
            ]
        return list(dict.fromkeys(candidate for candidate in candidates if (candidate, part) in self._senses))

    def exceptions(self, base: str, part: PartOfSpeech) -> frozenset[str]:
        """The forms of a word that WordNet lists, because not all of them are regular."""
        return frozenset(self._exceptions.get((base, part), ()))

    def ambiguity(self, word: str) -> int:
        """In how many senses a form may be meant, of all parts of speech."""
        return len(_meanings(self, word, _ALL))

    def share_meaning(self, one: str, other: str, *, within: int) -> bool:
        """Whether forms of two words have a meaning in common that is among the first `within` senses of both."""
        return not _meanings(self, one, within).isdisjoint(_meanings(self, other, within))


@functools.cache
def load(directory: pathlib.Path) -> WordNet:
    """Reads WordNet, once for each directory.

    Raises:
        SourceError: it is not installed; names the packages.
        IntegrityError: the index is not one.
    """
    path = directory / "index.sense"
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        exceptions = {part: (directory / f"{part}.exc").read_text(encoding="ascii") for part in PARTS}
    except FileNotFoundError as error:
        raise SourceError("WordNet is not installed", where=str(error.filename), remedy=_REMEDY) from None
    except UnicodeDecodeError:
        raise IntegrityError("this is no sense index of WordNet", where=str(path), remedy=_REMEDY) from None
    senses: dict[tuple[str, PartOfSpeech], list[Sense]] = defaultdict(list)
    words: dict[tuple[PartOfSpeech, int], list[str]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        try:
            key, offset, rank, count = line.split()
            word, _, rest = key.partition("%")
            part = _TYPES[rest[0]]
            sense = Sense((part, int(offset)), int(rank), int(count), rest.split(":")[1] == _PLACES)
        except (ValueError, KeyError, IndexError):
            raise IntegrityError("this is no line of a sense index", where=f"{path}:{number}", remedy=_REMEDY) from None
        senses[word, part].append(sense)
        words[sense.synset].append(word)
    for found in senses.values():
        found.sort(key=lambda sense: sense.rank)
    irregular = {
        (form, part): tuple(bases)
        for part, text in exceptions.items()
        for form, *bases in map(str.split, text.splitlines())
    }
    return WordNet(dict(senses), dict(words), irregular)


@functools.lru_cache(maxsize=100_000)
def _meanings(wordnet: WordNet, word: str, within: int) -> frozenset[tuple[PartOfSpeech, int]]:
    return frozenset(
        sense.synset
        for part in PARTS
        for base in wordnet.bases(word, part)
        for sense in wordnet.senses(base, part)
        if sense.rank <= within
    )
