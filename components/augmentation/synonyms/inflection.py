"""Regular forms of English words. What is not regular is refused: a wrong form is worse than none."""

from __future__ import annotations

import enum
import re

from components.augmentation.synonyms.wordnet import PartOfSpeech, WordNet


class Form(str, enum.Enum):
    """A form of a word."""

    BASE = "base"
    S = "s"
    ED = "ed"
    ING = "ing"


_FORMS: dict[PartOfSpeech, tuple[Form, ...]] = {
    "noun": (Form.BASE, Form.S),
    "verb": (Form.BASE, Form.S, Form.ED, Form.ING),
    "adj": (Form.BASE,),
    "adv": (Form.BASE,),
}
_HISSING = re.compile(r"(?:s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
# A stressed last syllable doubles its consonant; which is stressed cannot be told, so all that might be are refused.
_MAY_DOUBLE = re.compile(r"(?:^|[^aeiou])[aeiouy][bdgklmnprtv]$")
_MASS = re.compile(r"(?:ness|ism|.{3}ity|ship|ics)$")


def form_of(word: str, base: str, part: PartOfSpeech, wordnet: WordNet) -> Form | None:
    """Which form of a base a word is; None if it is none that `inflected` makes."""
    return next((form for form in _FORMS[part] if inflected(base, form, part, wordnet) == word), None)


def inflected(base: str, form: Form, part: PartOfSpeech, wordnet: WordNet) -> str | None:
    """A form of a word in lower case; None if it may not be regular, or has no such form."""
    if form is Form.BASE:
        return base
    made = _regular(base, form, part) if form in _FORMS[part] else None
    # A verb's list leaves out what is regular; past forms are left out of no list.
    ending = "ing" if form is Form.ING else "s" if part == "verb" and form is Form.S else ""
    listed = {each for each in wordnet.exceptions(base, part) if each.endswith(ending)}
    return made if made in listed or not listed else None


def _regular(base: str, form: Form, part: PartOfSpeech) -> str | None:
    if base.endswith(("o", "c", "ee", "oe", "ye", "ie")):
        return None
    if part == "noun" and (_MASS.search(base) or base.endswith(("s", "f", "fe", "man"))):
        return None
    if form is Form.S:
        return _with_ending(base, "es" if _HISSING.search(base) else "s")
    if _MAY_DOUBLE.search(base):
        return None
    if form is Form.ED:
        return _with_ending(base, "d" if base.endswith("e") else "ed")
    return base.removesuffix("e") + "ing"


def _with_ending(base: str, ending: str) -> str:
    if _CONSONANT_Y.search(base):
        return f"{base[:-1]}ie{ending[-1]}"
    return base + ending
