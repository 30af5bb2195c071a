"""Why a record is rejected."""

from __future__ import annotations

import dataclasses
import enum


class Reason(str, enum.Enum):
    """What keeps a record from its standard form, or that it is there twice.

    The sub-packages of rules have reasons of their own, and so may the rules of a user: a reason is any short name.
    """

    EMPTY = "empty"
    TOO_SHORT = "too_short"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    BINARY = "binary"
    NOT_AN_IMAGE = "not_an_image"
    BROKEN_IMAGE = "broken_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    EXACT_DUPLICATE = "exact_duplicate"
    NEAR_DUPLICATE = "near_duplicate"


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why one record is rejected.

    Attributes:
        reason: what is wrong, a name in lower snake case.
        measured: what was found.
        limit: what is allowed.
    """

    reason: str
    measured: str = ""
    limit: str = ""

    @property
    def name(self) -> str:
        """The reason as plain text, also where it is a member of an enum."""
        return self.reason.value if isinstance(self.reason, enum.Enum) else self.reason
