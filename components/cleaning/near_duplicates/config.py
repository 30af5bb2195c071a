"""How near duplicates are found: the `near_duplicates` section of cleaning."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

Action = Literal["remove", "cluster", "off"]


@section
class DocumentDuplicates:
    """Which texts or codes count as near duplicates: those that share most of their word sequences."""

    action: Action = "remove"
    """`remove` keeps one of each cluster; `cluster` keeps all and tells which belong together; `off` does not look."""
    threshold: Annotated[float, pydantic.Field(gt=0.5, le=1)] = 0.7
    """Two documents are near duplicates if this share (Jaccard) of their word sequences, or more, is common."""
    words: Annotated[int, pydantic.Field(ge=1, le=13)] = 3
    """Words in a sequence."""
    min_bytes: Annotated[int, pydantic.Field(ge=0)] = 64
    """Shorter documents are left alone: captions of different things are often alike."""


@section
class ImageDuplicates:
    """Which images count as near duplicates: those with almost the same perceptual hash (PDQ)."""

    action: Action = "remove"
    """`remove` keeps one of each cluster; `cluster` keeps all and tells which belong together; `off` does not look."""
    distance: Annotated[int, pydantic.Field(ge=0, le=31)] = 31
    """Two images are near duplicates if at most so many of the 256 bits of their hashes differ."""
    min_quality: Annotated[int, pydantic.Field(ge=0, le=100)] = 50
    """Images whose hash has a lower quality, 0 to 100, take no part: flat pictures all look alike."""
    mirrored: bool = True
    """Whether an image also counts as a near duplicate of its mirror image (left and right exchanged)."""


@section
class NearDuplicates:
    """Near duplicates of each modality, across all sources."""

    text: DocumentDuplicates = pydantic.Field(default_factory=DocumentDuplicates)
    """Texts."""
    code: DocumentDuplicates = pydantic.Field(default_factory=DocumentDuplicates)
    """Codes."""
    image: ImageDuplicates = pydantic.Field(default_factory=ImageDuplicates)
    """Images."""
    incremental: bool = False
    """Whether records are also compared with the index of earlier data, which is not hashed again."""
