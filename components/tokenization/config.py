"""The section `tokenization` of the configuration."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section


@section
class TokenizationConfig:
    """How the vocabulary is learnt."""

    vocabulary_size: Annotated[int, pydantic.Field(ge=512, le=65_536)] = 2048
    """Token ids in all: 256 single bytes, 5 with a meaning of their own, the rest learnt pieces. Where the data has no
    more distinct pieces to learn, it becomes smaller."""

    characters_per_document: Annotated[int, pydantic.Field(ge=16)] = 1000
    """Only the beginning of a long text or code is learnt from, since only that is what the model sees."""

    corpus_characters: Annotated[int, pydantic.Field(ge=1000)] = 20_000_000
    """Most characters to learn from in all. Where there are more, documents are drawn by a hash of the sample's id."""
