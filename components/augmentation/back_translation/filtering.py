"""Whether a sentence that went to another language and back still says the same, in other words."""

from __future__ import annotations

import enum
import itertools
import re
from collections import Counter

from components.augmentation.back_translation.config import ParaphraseFilter
from components.augmentation.back_translation.protection import numbers
from components.augmentation.synonyms.wordnet import WordNet
from components.cleaning.quality import languages

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_STEM = 5  # letters: inflections of a word are the same word


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONTRACTIONS = tuple(
    (re.compile(contracted, re.IGNORECASE), full)
    for contracted, full in (
        (r"\bwhether\b", "if"),
        (r"\b(?:cannot|can['’]t)\b", "can not"),
        (r"\bwon['’]t\b", "will not"),
        (r"n['’]t\b", " not"),
        (r"\b(it|that|there|here|what|who|he|she)['’]s\b", r"\1 is"),
        (r"['’]re\b", " are"),
        (r"['’]m\b", " am"),
        (r"['’](?:s|ve|ll|d)\b", ""),
    )
)
_NEGATIONS = frozenset(("not", "no", "never", "none", "nothing", "without", "neither", "nor"))
_PERSONS = _set(
    """
    he her him his i me my our she their them they us we you your
    """
)
# Words whose change turns a sentence into another: what may or must be, comparisons, quantities.
_TELLING = _set(
    """
    after all am another any are at be because been before being between both by can could did do does each else every from
    if in instead is least less like may might more most must near on only other same shall should so some than
    these this those unless until using was were whether while will would
    """
)
_FUNCTION = (
    _TELLING
    | _PERSONS
    | _set(
        """
    a about also an and aren as but cannot didn doesn don for had has have here how into isn it its
    neither never no none nor not nothing of or out such that the then there to up what when
    where which who whom whose with without won
    """
    )
)
_FUNCTION_STEMS = frozenset(word[:_STEM] for word in _FUNCTION)
_BEFORE_ARTICLE = _set(
    """
    after all and are as at because before both but by for from how if in into is of on or than that then to
    unless until when where whether while with
    """
)
_DETERMINERS = frozenset(("a", "an", "the", "this", "these", "those", "all", "any", "some", "each", "every"))
_CHAIN = re.compile(r"\bof (?:the |an? )?\S+ of\b")
_PERSON_AND_VERB = re.compile(r"(?:I|It|it) ([a-z]+)\b")
_DOUBLED = re.compile(r"\b([^\W\d_]+) \1\b", re.IGNORECASE)


class Verdict(str, enum.Enum):
    """Why a sentence that came back is not used."""

    DAMAGED = "damaged"
    UNKNOWN_WORD = "unknown_word"
    LOST_NAME = "lost_name"
    LOST_NUMBER = "lost_number"
    NEGATION = "negation"
    PERSON = "person"
    GRAMMAR = "grammar"
    WORD_ORDER = "word_order"
    OTHER_WORD = "other_word"
    REPEATED_WORD = "repeated_word"
    UNCHANGED = "unchanged"
    LENGTH = "length"
    TOO_DIFFERENT = "too_different"
    OTHER_LANGUAGE = "other_language"


def judge(before: str, after: str, config: ParaphraseFilter, wordnet: WordNet | None) -> Verdict | None:
    """The first reason not to use `after` in the place of `before`; None if it is good.

    Args:
        before: the sentence.
        after: what came back, names and code in it.
        config: the limits.
        wordnet: what tells whether a word that is new means the same as one that is gone; None asks nothing of it.
    """
    if numbers(before) != numbers(after):
        return Verdict.LOST_NUMBER
    old, new = _words(before), _words(after)
    if _only(old, _NEGATIONS) != _only(new, _NEGATIONS):
        return Verdict.NEGATION
    if _only(old, _PERSONS) != _only(new, _PERSONS):
        return Verdict.PERSON
    if not _built_alike(old, new):
        return Verdict.GRAMMAR
    if {match[0].lower() for match in _DOUBLED.finditer(after)} - {
        match[0].lower() for match in _DOUBLED.finditer(before)
    }:
        return Verdict.REPEATED_WORD
    similarity = _dice(_trigrams(before), _trigrams(after))
    if old == new or similarity > config.max_similarity:
        return Verdict.UNCHANGED
    if not config.min_length_ratio <= len(new) / max(len(old), 1) <= config.max_length_ratio:
        return Verdict.LENGTH
    if similarity < config.min_similarity or _dice(_stems(old), _stems(new)) < config.min_word_overlap:
        return Verdict.TOO_DIFFERENT
    if wordnet is not None:
        if not _mean_the_same(old, new, config, wordnet):
            return Verdict.OTHER_WORD
        if not _same_verbs(old, new, wordnet) or not _begins_alike(old, new, config.max_sense, wordnet):
            return Verdict.GRAMMAR
    if _turned(old, new):
        return Verdict.WORD_ORDER
    code, confidence = languages.identify([after])[0]
    if code not in (config.language, languages.UNDETERMINED) and confidence >= config.min_language_confidence:
        return Verdict.OTHER_LANGUAGE
    return None


def with_mood(after: str, before: str, wordnet: WordNet) -> str:
    """The sentence as a command again if it was one: translators take `Return it` for `I return it`, `It returns it`."""
    first = before.split(" ", 1)[0]
    match = _PERSON_AND_VERB.match(after)
    if match is None or first.lower() in _FUNCTION or first.endswith("s") or not wordnet.bases(first.lower(), "verb"):
        return after
    bases = wordnet.bases(match[1], "verb")
    if not bases:
        return after
    verb = first.lower() if first.lower() in bases else bases[-1]
    return (verb.capitalize() if first[0].isupper() else verb) + after[match.end() :]


def _words(text: str) -> list[str]:
    """The words in lower case, contractions written out."""
    for contracted, full in _CONTRACTIONS:
        text = contracted.sub(full, text)
    return [word.lower() for word in _WORD.findall(text)]


def _only(words: list[str], wanted: frozenset[str]) -> Counter[str]:
    return Counter(word for word in words if word in wanted)


def _built_alike(old: list[str], new: list[str]) -> bool:
    """Whether the words that carry a sentence's structure are the same, where a change has rarely been for the good."""
    if _only(old, _TELLING) != _only(new, _TELLING) or _superlatives(old) != _superlatives(new):
        return False
    before, after = Counter(old), Counter(new)
    # `for reading` may become `to read`; nothing else may gain or lose these two.
    purposes = sum(one == "for" and other.endswith("ing") for one, other in itertools.pairwise(old))
    if not 0 <= after["to"] - before["to"] == before["for"] - after["for"] <= purposes:
        return False
    if after["it"] != before["it"] and not (
        after["it"] == before["it"] + 1 and new[:1] == ["it"] and _is_third_person(old)
    ):
        return False
    # `text wrapping` has become `text that wraps`, not as `list containing names`.
    clauses = sum(
        one.endswith("ing") and other not in _FUNCTION - _DETERMINERS for one, other in itertools.pairwise(old)
    )
    if after["that"] - before["that"] > clauses:
        return False
    # `box change location` has become `location of box of the change`.
    if len(_CHAIN.findall(" ".join(new))) > len(_CHAIN.findall(" ".join(old))):
        return False
    # Inflected otherwise: `open` has become `opened`. Forms in -ing may become clauses.
    if any(_inflected(word, other) for word in old if not word.endswith("ing") and not after[word] for other in new):
        return False
    # An article within a compound: `parse tree` has become `parse the tree`.
    beside = set(itertools.pairwise(old))
    return all(
        article != "the" or (one, article) in beside or one in _BEFORE_ARTICLE
        for one, article in itertools.pairwise(new)
    )


def _inflected(one: str, other: str) -> bool:
    """Whether two words seem to be forms of one."""
    short, long = sorted((one, other), key=len)
    return len(short) > 3 and short != long and long.startswith(short[:-1])


def _superlatives(words: list[str]) -> int:
    return sum(word.endswith("est") and len(word) > _STEM for word in words)


def _is_third_person(words: list[str]) -> bool:
    return bool(words) and words[0].endswith("s") and words[0] not in _FUNCTION


def _same_verbs(old: list[str], new: list[str], wordnet: WordNet) -> bool:
    """Whether forms in -ing that are not there any more are there in another form: `signaling` is not `signage`."""
    gone = {word for word in old if word.endswith("ing")} - set(new)
    return all(
        any(set(wordnet.bases(word, "verb")) & set(wordnet.bases(other, "verb")) for other in same)
        for word in gone
        if (same := [other for other in new if other[:_STEM] == word[:_STEM]])
    )


def _begins_alike(old: list[str], new: list[str], max_sense: int, wordnet: WordNet) -> bool:
    """Whether what begins with a verb still does: `Return list` has not become `List of return`."""
    if not old or old[0] in _FUNCTION or not wordnet.bases(old[0], "verb"):
        return True
    rest = new[1:] if new[:1] == ["it"] else new
    return bool(rest) and (rest[0] == old[0] or wordnet.share_meaning(old[0], rest[0], within=max_sense))


def _mean_the_same(old: list[str], new: list[str], config: ParaphraseFilter, wordnet: WordNet) -> bool:
    """Whether each word that is gone means the same as one that is new, and the other way round."""
    gone, come = _stems(old) - _stems(new), _stems(new) - _stems(old)
    lost = [word for word in dict.fromkeys(old) if word not in _FUNCTION and word[:_STEM] in gone]
    found = [word for word in dict.fromkeys(new) if word not in _FUNCTION and word[:_STEM] in come]
    if any(wordnet.ambiguity(word) > config.max_senses for word in found):
        return False
    pairs = [
        (one, other) for one in lost for other in found if wordnet.share_meaning(one, other, within=config.max_sense)
    ]
    return {one for one, _ in pairs} == set(lost) and {other for _, other in pairs} == set(found)


def _turned(old: list[str], new: list[str]) -> bool:
    """Whether words have changed places so that another noun is described.

    `given string` has become `string given`, or `raw image data` has become `data of raw image`.
    """
    old, new = [word[:_STEM] for word in old], [word[:_STEM] for word in new]
    near = {pair for step in (1, 2, 3) for pair in zip(old, old[step:], strict=False)}
    triples = set(zip(old, old[1:], old[2:], strict=False))
    adjacent = any(
        (other, one) in near and (one, other) not in near and not {one, other} & _FUNCTION_STEMS
        for one, other in itertools.pairwise(new)
    )
    return adjacent or any(
        of == "of" and (first, second, noun) in triples and first not in _FUNCTION_STEMS
        for noun, of, first, second in zip(new, new[1:], new[2:], new[3:], strict=False)
    )


def _stems(words: list[str]) -> Counter[str]:
    return Counter(word[:_STEM] for word in words if word not in _FUNCTION)


def _trigrams(text: str) -> Counter[str]:
    joined = f" {' '.join(_words(text))} "
    return Counter(joined[at : at + 3] for at in range(len(joined) - 2))


def _dice(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0
