"""How texts are translated there and back, and which results are good enough."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

_Share = Annotated[float, pydantic.Field(ge=0, le=1)]
_Ratio = Annotated[float, pydantic.Field(gt=0)]
_Seconds = Annotated[float, pydantic.Field(gt=0, le=600)]
_Count = Annotated[int, pydantic.Field(ge=1)]
_Language = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z]{2,8})?$")]
_Name = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


@section
class ApertiumSettings:
    """Apertium, a translator of rules and dictionaries that runs as local programs (Debian: `apertium-eng-spa`)."""

    source: _Language = "eng"
    """The texts' language, as apertium's modes name it."""
    pivot: _Language = "spa"
    """The language in between. The modes `eng-spa` and `spa-eng` must both be installed."""
    modes: str = "/usr/share/apertium/modes"
    """The directory of the `.mode` files."""


@section
class HttpSettings:
    """Any translator that takes a JSON object by POST and answers with one. The defaults are LibreTranslate's."""

    source: _Language = "en"
    """The texts' language, as the service names it."""
    pivot: _Language = "es"
    """The language in between."""
    url: Annotated[str, pydantic.Field(pattern=r"^https?://[^\s@]+$")] = "http://127.0.0.1:5000/translate"
    """Where texts are sent. No names or keys in it: it is part of what is logged."""
    text_field: str = "q"
    """The field of the request that bears the text."""
    source_field: str = "source"
    """The field that bears the language it is in."""
    target_field: str = "target"
    """The field that bears the language it shall be in."""
    fields: dict[str, str] = pydantic.Field(default_factory=lambda: {"format": "text"})
    """Further fields of each request."""
    answer: tuple[str | Annotated[int, pydantic.Field(ge=0)], ...] = ("translatedText",)
    """Where the translation is in the answer: names of fields and positions in lists, from the outside in."""
    key_variable: _Name | None = None
    """The environment variable that holds the key to the service; `null` if it needs none."""
    key_field: str | None = "api_key"
    """The field of the request that bears the key."""
    key_header: str | None = None
    """The header that bears the key, in place of a field."""
    version: str = ""
    """A name for the service's present state. Another one makes earlier results count no more."""
    retries: Annotated[int, pydantic.Field(ge=0, le=10)] = 2
    """How often a text is sent again when the service is busy (429) or in trouble (500 and above)."""
    retry_wait_s: Annotated[float, pydantic.Field(ge=0, le=60)] = 0.5
    """The wait before the first of these, doubled each time."""


@section
class ParaphraseFilter:
    """What a sentence must be after its way there and back. Shares and similarities are from 0 to 1."""

    min_word_overlap: _Share = 0.5
    """Content words in common (Dice coefficient of their first five letters), at least."""
    min_similarity: _Share = 0.45
    """Sequences of three characters in common (Dice coefficient), at least: below, the meaning is likely lost."""
    max_similarity: _Share = 0.97
    """As above, at most: beyond, it is the same sentence."""
    min_length_ratio: _Ratio = 0.7
    """Words after to words before, at least."""
    max_length_ratio: _Ratio = 1.5
    """Words after to words before, at most."""
    max_unknown_share: _Share = 0.3
    """Words that the translator does not know and carries through, of all words, at most. A word that it made on the
    way and does not know on the way back always rejects."""
    wordnet: str | None = "/usr/share/wordnet"
    """The directory of WordNet (Debian: `wordnet-base`, `wordnet-sense-index`): a word that is new must mean the same
    as one that is gone. `null` asks nothing of new words, and lets many false friends through."""
    max_sense: _Count = 1
    """The meaning that the two share must be among so many of the most frequent ones of each."""
    max_senses: _Count = 8
    """A new word may have so many senses; words of more (`put`, `way`, `case`) stand for anything."""
    language: Annotated[str, pydantic.Field(pattern=r"^[a-z]{2,3}$")] = "en"
    """The language of the texts (ISO 639), as language identification names it."""
    min_language_confidence: _Share = 0.5
    """A result that is identified as another language with at least this confidence is rejected."""


@section
class BackTranslation:
    """Translation there and back, sentence by sentence; sentences whose result is not good stay as they were."""

    translator: Literal["apertium", "http"] = "apertium"
    """Which translator does it."""
    apertium: ApertiumSettings = pydantic.Field(default_factory=ApertiumSettings)
    """The local translator."""
    http: HttpSettings = pydantic.Field(default_factory=HttpSettings)
    """The translator behind an address."""
    time_limit_s: _Seconds = 10.0
    """For one sentence one way. A sentence that takes longer is skipped and the translator started anew."""
    max_failures: _Count = 3
    """After so many failures in a row, with no sentence translated in between, the translator is asked no more."""
    max_sentence_characters: _Count = 500
    """Longer sentences are left as they are: the longer, the rarer a good result."""
    max_answer_growth: _Ratio = 10.0
    """An answer longer than this times its sentence (and a thousand bytes) is garbage; reading stops there."""
    min_words: _Count = 2
    """Sentences of fewer ordinary words are left as they are."""
    max_protected_share: _Share = 0.5
    """Names and code in a sentence, of all its words; with more of them it is no prose and left as it is."""
    filter: ParaphraseFilter = pydantic.Field(default_factory=ParaphraseFilter)
    """Which results are good."""
