"""Which words are replaced by synonyms, and which synonyms are good enough."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section

_Share = Annotated[float, pydantic.Field(ge=0, le=1)]
_Count = Annotated[int, pydantic.Field(ge=0)]


@section
class Synonyms:
    """Words replaced by others of the same meaning, by WordNet. All limits are there because a word alone does not
    tell what it means: what is replaced means nearly always the same, and so does what takes its place."""

    wordnet: str = "/usr/share/wordnet"
    """The directory of WordNet (Debian: `wordnet-base`, `wordnet-sense-index`)."""
    share: _Share = 0.15
    """Words to replace, of all words of a text; at least one if any can be."""
    min_part_share: _Share = 0.9
    """Occurrences of a word as its most frequent part of speech, of all in WordNet's tagged texts, at least."""
    min_sense_share: _Share = 0.75
    """Occurrences of a word in its most frequent sense, of all as this part of speech, at least."""
    min_word_times: _Count = 5
    """Occurrences of a word in WordNet's tagged texts, at least: of rarer words too little is known."""
    min_times: _Count = 5
    """Occurrences of a synonym in this sense in WordNet's tagged texts, at least: rarer words are too learned."""
    min_synonym_share: _Share = 0.6
    """Occurrences of a synonym in this sense, of all its occurrences, at least."""
    max_senses: Annotated[int, pydantic.Field(ge=1)] = 6
    """A word, or a synonym, of more senses is left alone."""
    min_seen: _Count = 1
    """Where the texts at hand are given as a corpus: how often a synonym must stand there beside the word before or
    the word behind it."""
