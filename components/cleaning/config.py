"""How to clean: the `cleaning` section."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

_Count = Annotated[int, pydantic.Field(ge=0)]


@section
class CleaningConfig:
    """What is standardised and what is rejected."""

    engine: Literal["beam"] = "beam"
    """What moves the records through the rules."""
    mend_text: bool = True
    """Undo broken encodings (`cafÃ©`) and drop control characters in texts. Code is never mended."""
    min_text_bytes: _Count = 2
    """Shorter texts are rejected."""
    min_code_bytes: _Count = 16
    """Shorter codes are rejected."""
    min_image_side: _Count = 8
    """Images with a shorter side, in pixels, are rejected."""
    max_image_pixels: Annotated[int, pydantic.Field(ge=1, le=89_478_485)] = 16_000_000
    """Images with more pixels are rejected before they are decoded."""
    min_duplicate_bytes: _Count = 64
    """Texts shorter than this may occur more than once: short names of different things are often equal."""
