"""How the dual encoder is built and trained; `alignment.image_text` in the configuration."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import pydantic

from schemas.config import section

_Share = Annotated[float, pydantic.Field(ge=0.0, lt=1.0)]


@section
class TowersConfig:
    """The two networks. What is stored with trained weights, since it says what they fit."""

    dim: Annotated[int, pydantic.Field(ge=2, le=1024)] = 64
    """Size of the vectors that both towers give."""

    buckets: Annotated[int, pydantic.Field(ge=16, le=262_144)] = 8192
    """Vectors in the text tower's table; words and character trigrams are hashed to them."""

    text_width: Annotated[int, pydantic.Field(ge=2, le=1024)] = 64
    """Size of those vectors."""

    text_features: Annotated[int, pydantic.Field(ge=8, le=4096)] = 192
    """Words and trigrams of a text that are looked at; the first ones."""

    image_size: Annotated[int, pydantic.Field(ge=16, le=256)] = 64
    """Side of the square, in pixels, that images are scaled to."""

    image_width: Annotated[int, pydantic.Field(ge=4, le=256)] = 32
    """Channels of the image tower's first stage; each of the three that follow has half the side and more channels."""


@section
class DualEncoderConfig:
    """How the dual encoder learns."""

    towers: TowersConfig = dataclasses.field(default_factory=TowersConfig)

    steps: Annotated[int, pydantic.Field(ge=1)] = 600
    """Updates of the weights."""

    batch_size: Annotated[int, pydantic.Field(ge=2, le=4096)] = 128
    """Pairs in a step; each is told from all others of its step."""

    learning_rate: Annotated[float, pydantic.Field(gt=0.0, le=1.0)] = 3e-3
    """Its peak: reached after a tenth of the steps, from which it falls to zero along a cosine."""

    weight_decay: Annotated[float, pydantic.Field(ge=0.0)] = 0.1
    """AdamW's decay."""

    dropout: _Share = 0.2
    """Share of a text's words and trigrams, and of an image's last channels, that is left out while training."""

    line_share: _Share = 0.5
    """How often one line of a text, instead of the whole, is what an image is told by while training."""

    shift: Annotated[int, pydantic.Field(ge=0, le=32)] = 4
    """How far an image is moved at most while training, pixels of the scaled image."""

    colour: _Share = 0.1
    """How much each colour channel of an image is strengthened or weakened at most while training, as a share."""

    min_pairs: Annotated[int, pydantic.Field(ge=2)] = 200
    """Pairs of the split train below which training is refused."""

    max_pairs: Annotated[int, pydantic.Field(ge=2)] = 20_000
    """Pairs of a split that are looked at; the first ones by id. They are held in memory, 12 kB each."""
