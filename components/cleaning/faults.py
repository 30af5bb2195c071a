"""Why a record is rejected."""

from __future__ import annotations

import dataclasses
import enum


class Reason(str, enum.Enum):
    """What is wrong with a record."""

    EMPTY = "empty"
    TOO_SHORT = "too_short"
    NOT_UTF8 = "not_utf8"
    BINARY = "binary"
    NOT_AN_IMAGE = "not_an_image"
    BROKEN_IMAGE = "broken_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    EXACT_DUPLICATE = "exact_duplicate"


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why one record is rejected.

    Attributes:
        reason: what is wrong.
        measured: what was found.
        limit: what is allowed.
    """

    reason: Reason
    measured: str = ""
    limit: str = ""
