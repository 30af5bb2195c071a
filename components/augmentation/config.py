"""How to augment: the `augmentation` section."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section

_Part = Annotated[float, pydantic.Field(ge=0, le=1)]


@section
class AugmentationConfig:
    """How much the training images are varied. Each copy is varied in all of these ways, by random amounts."""

    fraction: _Part = 0.25
    """The part of the training samples with an image that gets a varied copy."""
    rotation_degrees: Annotated[float, pydantic.Field(ge=0, le=180)] = 10.0
    """Rotation by at most so much, either way."""
    crop: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.1
    """At most this part of each side is cut off before the image is scaled back to its size."""
    colour: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.2
    """Brightness, contrast and saturation change by at most this part, either way."""
