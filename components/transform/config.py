"""The section `transform` of the configuration: how much of a sample the model sees.

Transform, Train, Compress and the servers all work within these budgets; they are kept here and nowhere else, and reach
the servers through the model's manifest.
"""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section


@section
class TransformConfig:
    """How much of a sample the model sees."""

    text_tokens: Annotated[int, pydantic.Field(ge=1, le=4096)] = 48
    """Most tokens of the text; the rest is cut."""

    code_tokens: Annotated[int, pydantic.Field(ge=1, le=4096)] = 144
    """Most tokens of the code; the rest is cut."""

    image_size: Annotated[int, pydantic.Field(ge=8, le=256)] = 32
    """Images are scaled to a square of so many pixels a side."""
