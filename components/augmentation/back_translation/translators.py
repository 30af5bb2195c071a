"""What a translator is, and what can go wrong with one."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Protocol


class Failure(str, enum.Enum):
    """Why a translator gave no translation."""

    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    GARBAGE = "garbage"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclasses.dataclass(frozen=True)
class Translation:
    """What became of one text.

    Attributes:
        text: in the other language; empty after a failure.
        unknown: words that the translator did not know and carried over as they were.
        damaged: whether it says itself that a word is missing or could not be inflected.
        failure: what went wrong, if anything.
    """

    text: str = ""
    unknown: tuple[str, ...] = ()
    damaged: bool = False
    failure: Failure | None = None


class Translator(Protocol):
    """Translates texts, each by itself: what comes out for one does not depend on the others."""

    @property
    def source(self) -> str:
        """The language that texts come in, as this translator names it."""

    @property
    def pivot(self) -> str:
        """The language they go through."""

    @property
    def identity(self) -> str:
        """What the results depend on besides text and languages: program, data, version."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        """One translation for each text, in their order; failures are among the results and never raised."""

    def close(self) -> None:
        """Ends what was started."""
