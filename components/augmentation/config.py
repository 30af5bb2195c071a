"""How to augment: the `augmentation` section."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import pydantic

from components.augmentation.back_translation.config import BackTranslation
from components.augmentation.code.config import CodeAugmentation
from components.augmentation.image.config import ImageAugmentation
from components.augmentation.synonyms.config import Synonyms
from schemas.config import section

_Part = Annotated[float, pydantic.Field(ge=0, le=1)]


@section
class Copies:
    """How many varied copies there are of one kind, and how much they count. Only training samples get any."""

    fraction: _Part = 0.0
    """The part of the training samples with that modality that get copies."""
    number: Annotated[int, pydantic.Field(ge=1, le=20)] = 1
    """How many each of them gets."""
    weight: Annotated[float, pydantic.Field(gt=0, le=10)] = 1.0
    """How much a copy counts in the loss, beside 1 for a sample that is no copy."""


@section
class AllCopies:
    """How many copies there are of each kind. A copy differs from its parent in one modality."""

    image: Copies = dataclasses.field(default_factory=Copies)
    """Turned, cropped, mirrored and recoloured images."""
    code: Copies = dataclasses.field(default_factory=Copies)
    """Codes with other names, comments and layout that do the same."""
    synonyms: Copies = dataclasses.field(default_factory=Copies)
    """English texts with some words replaced by synonyms, from WordNet (Debian: wordnet-base, wordnet-sense-index)."""
    back_translation: Copies = dataclasses.field(default_factory=Copies)
    """Texts in other words, translated there and back (Debian: apertium-eng-spa); one a sample at most."""


@section
class AugmentationConfig:
    """How training samples are varied: how many copies, and each kind of change."""

    copies: AllCopies = dataclasses.field(default_factory=AllCopies)
    """How many copies there are."""
    image: ImageAugmentation = dataclasses.field(default_factory=ImageAugmentation)
    """How images are varied."""
    code: CodeAugmentation = dataclasses.field(default_factory=CodeAugmentation)
    """How codes are varied."""
    synonyms: Synonyms = dataclasses.field(default_factory=Synonyms)
    """Which words are replaced."""
    back_translation: BackTranslation = dataclasses.field(default_factory=BackTranslation)
    """How texts are translated there and back."""
    on_the_fly: bool = False
    """Vary the images of all training samples anew in each step, by `image`, besides the copies that are stored."""
