"""How much images are varied: the `image` section of the augmentation."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section

_Part = Annotated[float, pydantic.Field(ge=0, le=1)]
_Change = Annotated[float, pydantic.Field(ge=0, lt=1)]
_Words = Annotated[str, pydantic.Field(pattern=r"^\w+$")]


@section
class ImageAugmentation:
    """The most that each change of an image may be. A copy is changed in all of these ways, by random amounts."""

    rotation_degrees: Annotated[float, pydantic.Field(ge=0, le=180)] = 10.0
    """Rotation by at most so much, either way."""
    crop: _Change = 0.1
    """At most this part of each side is cut off before the image is scaled back to its size."""
    flip: _Part = 0.5
    """The part of the copies that is mirrored left to right, among images that may be."""
    brightness: _Change = 0.2
    """All colours are multiplied by a factor that differs from 1 by at most this."""
    contrast: _Change = 0.2
    """Differences from the mean brightness are multiplied by a factor that differs from 1 by at most this."""
    saturation: _Change = 0.2
    """Differences from grey of the same brightness are multiplied by a factor that differs from 1 by at most this."""
    hue_degrees: Annotated[float, pydantic.Field(ge=0, le=180)] = 8.0
    """The hue is turned by at most so much, either way. A third of the circle makes red green."""
    least_box_share: _Part = 0.3
    """A box of which less than this part of its area stays in the frame is dropped."""
    never_flipped: tuple[_Words, ...] = (
        *("flag", "flags", "country", "symbol", "symbols", "sign", "letter", "letters", "alphanum", "text", "word"),
        *("digit", "digits", "number", "keycap", "punctuation", "math", "currency", "money", "banknote", "writing"),
        *("arrow", "arrows", "left", "right", "leftwards", "rightwards", "facing", "pointing", "direction", "turn"),
        *("clockwise", "counterclockwise", "anticlockwise", "clock", "oclock", "time", "east", "west", "globe", "map"),
        *("moon", "waxing", "waning", "crescent", "quarter", "keyboard", "calendar"),
    )
    """An image is never mirrored if one of these words is in its class: the values of its attributes, or whatever else
    says what it shows. Mirrored flags, letters and arrows mean something else. Case is ignored."""
