"""Words of a text replaced by synonyms, with where and by what, so that places in the text can be moved along."""

from __future__ import annotations

import functools
import itertools
import pathlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from components.augmentation.back_translation import protection, sentences
from components.augmentation.synonyms import inflection, wordnet
from components.augmentation.synonyms.config import Synonyms
from components.augmentation.synonyms.wordnet import PartOfSpeech, Sense, WordNet
from schemas.regions import Edit, apply_edits

_WORD = re.compile(r"[a-z]+")
_ABBREVIATION = re.compile(r"[^aeiouy]+|.{1,2}")
_VOWELS = "aeiou"
_SHORTEST = 3  # letters
_STEM = 4  # letters: what begins alike is a spelling or a derivation, `instal` for `install`, `grouping` for `group`
# Words of a closed class, and what counts, compares or only means something with another word.
_NEVER = frozenset(
    re.findall(
        r"\w+",
        """
    about above across after again against ago all almost alone along already also although always among and
    another any anybody anyone anything apart are around aside away back because been before behind being below
    beside between beyond billion both but can cannot could did does doing done down during each eight either
    else enough even ever every everybody everyone everything except few first five for four from had half has
    have having hence her here him his how however hundred into its just last least less let like long many may
    maybe might million more most much must near neither never next nine nobody none nor not nothing now off
    often once one only onto other otherwise our out over own per perhaps quite rather same second seven several
    shall she should since six some somebody someone something soon still stuff such ten than that the their
    them then there these they thing third this those thousand three through thus too toward two under unless
    until upon very was well were what when where whether which while who whole whom whose why will with within
    without would yes yet you your zero
    """,
    )
)


class Replaced(NamedTuple):
    """A text with synonyms in it.

    Attributes:
        text: the text after.
        edits: what was replaced, from the beginning to the end.
    """

    text: str
    edits: tuple[Edit, ...]


class Corpus(NamedTuple):
    """Which words stand side by side in the texts at hand, and how often."""

    pairs: Counter[tuple[str, str]]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Corpus:
        """Counts the pairs of neighbours, in lower case."""
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts:
            words = _WORD.findall(text.lower())
            pairs.update(itertools.pairwise(words))
        return cls(pairs)


def replace(text: str, config: Synonyms, random: np.random.Generator, corpus: Corpus | None = None) -> Replaced | None:
    """Replaces some words by synonyms. Names, numbers, code and examples stay.

    Args:
        text: English.
        config: how many, and which.
        random: what decides which of the words that can be replaced are, and by which of their synonyms.
        corpus: the texts at hand; a synonym must stand there beside a neighbour that it gets. None asks for nothing.

    Returns:
        None if there is nothing to replace.

    Raises:
        SourceError: WordNet is not installed; names the packages.
    """
    words = [
        (span.start + start, span.start + end)
        for span in sentences.spans(text)
        for start, end in protection.ordinary_words(text[span.start : span.end])
    ]
    known = wordnet.load(pathlib.Path(config.wordnet))
    candidates = [
        (start, end, synonyms)
        for start, end in words
        if (synonyms := _fitting(text, start, end, config, corpus, known)) and _case(text[start:end]) is not None
    ]
    if not candidates:
        return None
    count = min(len(candidates), max(1, round(config.share * len(words))))
    edits = []
    for number in sorted(random.permutation(len(candidates))[:count].tolist()):
        start, end, synonyms = candidates[number]
        synonym = synonyms[int(random.integers(len(synonyms)))]
        edits.append(Edit(start, end, synonym.capitalize() if text[start].isupper() else synonym))
    return Replaced(apply_edits(text, edits), tuple(edits))


def _case(word: str) -> bool | None:
    """Whether a word begins with a capital; None if it is written in any other way."""
    return word[0].isupper() if word.islower() or word[1:].islower() else None


def _fitting(
    text: str, start: int, end: int, config: Synonyms, corpus: Corpus | None, known: WordNet
) -> tuple[str, ...]:
    """The synonyms that fit between the neighbours of a word."""
    found = synonyms(text[start:end].lower(), config, known)
    if not found:
        return ()
    before = _WORD.findall(text[max(start - 40, 0) : start].lower())[-1:]
    behind = _WORD.findall(text[end : end + 40].lower())[:1]
    if before and before[0] in ("a", "an"):
        found = tuple(word for word in found if (word[0] in _VOWELS) == (before[0] == "an"))
    if corpus is not None:
        found = tuple(
            word
            for word in found
            if sum(corpus.pairs[one, word] for one in before) + sum(corpus.pairs[word, one] for one in behind)
            >= config.min_seen
        )
    return found


@functools.lru_cache(maxsize=100_000)
def synonyms(word: str, config: Synonyms, known: WordNet) -> tuple[str, ...]:
    """The words that mean the same as a word in lower case nearly wherever it stands, in its form, alphabetically."""
    if len(word) < _SHORTEST or word in _NEVER or not _WORD.fullmatch(word):
        return ()
    if known.ambiguity(word) > config.max_senses:
        return ()
    part = _part_of_speech(word, config, known)
    if part is None:
        return ()
    [base, *others] = known.bases(word, part)
    form = inflection.form_of(word, base, part, known)
    senses = known.senses(base, part)
    total = sum(sense.times for sense in senses)
    if others or form is None or senses[0].place or total < config.min_word_times:
        return ()
    if senses[0].times < config.min_sense_share * total:
        return ()
    found = set()
    for other in known.words(senses[0].synset):
        if (
            other != base
            and _WORD.fullmatch(other)
            and not _ABBREVIATION.fullmatch(other)
            and _is_usual(other, senses[0], config, known)
        ):
            inflected = inflection.inflected(other, form, part, known)
            if inflected is not None and inflected[:_STEM] != word[:_STEM]:
                found.add(inflected)
    return tuple(sorted(found))


def _part_of_speech(word: str, config: Synonyms, known: WordNet) -> PartOfSpeech | None:
    """What a word nearly always is; None if it is not known or may be different things."""
    times: Counter[PartOfSpeech] = Counter()
    for part in wordnet.PARTS:
        for base in known.bases(word, part):
            times[part] += 1 + sum(sense.times for sense in known.senses(base, part))
    if not times:
        return None
    part, most = times.most_common(1)[0]
    return part if len(times) == 1 or most >= config.min_part_share * times.total() else None


def _is_usual(word: str, sense: Sense, config: Synonyms, known: WordNet) -> bool:
    """Whether a synonym is in use, and nearly always in this sense."""
    if known.ambiguity(word) > config.max_senses or word in _NEVER:
        return False
    total = sum(each.times for part in wordnet.PARTS for each in known.senses(word, part))
    own = next(each for each in known.senses(word, sense.synset[0]) if each.synset == sense.synset)
    return own.times >= config.min_times and own.times >= config.min_synonym_share * total
