"""Edits of a code, and where its lines are afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

LineRange = tuple[int, int]
"""The first and the last line of a part of a code, from 1 on."""


@dataclasses.dataclass(frozen=True)
class Edit:
    """Puts a text in the place of some characters.

    Attributes:
        start: the first character.
        end: the first beyond.
        text: what comes in their place.
    """

    start: int
    end: int
    text: str


@dataclasses.dataclass(frozen=True)
class Edited:
    """A code after edits.

    Attributes:
        code: as it is now.
        lines: for each line of the code as it was where it is now, several lines if it was broken; None if it is gone.
    """

    code: str
    lines: tuple[LineRange | None, ...]


@dataclasses.dataclass(frozen=True)
class VariedCode:
    """A copy.

    Attributes:
        code: it.
        ranges: where each range of lines is now, in the order given; None if none of its lines is left.
    """

    code: str
    ranges: tuple[LineRange | None, ...] = ()

    @property
    def dropped(self) -> int:
        """How many ranges are gone."""
        return self.ranges.count(None)

    def after(self, edits: Iterable[Edit]) -> VariedCode:
        """This after edits that do not overlap."""
        result = edited(self.code, edits)
        return VariedCode(
            result.code, tuple(None if lines is None else moved(lines, result.lines) for lines in self.ranges)
        )


def edited(code: str, edits: Iterable[Edit]) -> Edited:
    """A code after edits that do not overlap. Of several at one place insertions come first, in the order given."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    pieces: list[str] = []
    lines: list[LineRange | None] = []
    at = done = 0  # the next edit, and how much of the code is in the pieces
    number = 1

    def put(text: str, until: int) -> None:
        nonlocal number, done
        pieces.append(text)
        number += text.count("\n")
        done = until

    def advance(place: int, *, beyond: bool) -> int:
        """Puts what is before a place, and what edits put there if it is `beyond` these; the number of the line."""
        nonlocal at
        while at < len(ordered) and ordered[at].start < place + beyond:
            edit = ordered[at]
            assert edit.start >= done, "edits overlap"
            put(code[done : edit.start], edit.start)
            put(edit.text, edit.end)
            at += 1
        put(code[done:place], max(done, place))
        return number

    starts = line_starts(code)
    for start, following in zip(starts, [*starts[1:], len(code) + 1], strict=True):
        first = advance(start, beyond=True)
        gone = done >= following
        last = advance(following - 1, beyond=False)
        lines.append(None if gone else (first, last))
    advance(len(code), beyond=True)
    return Edited("".join(pieces), tuple(lines))


def line_starts(code: str) -> list[int]:
    """Where each line starts."""
    starts = [0]
    while (end := code.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts


def moved(lines: LineRange, to: Sequence[LineRange | None]) -> LineRange | None:
    """Where a range of lines is after edits; None if none of its lines is left.

    Args:
        lines: as it was.
        to: `Edited.lines`.
    """
    first, last = lines
    left = [place for place in to[max(first - 1, 0) : max(last, 0)] if place is not None]
    return (min(place[0] for place in left), max(place[1] for place in left)) if left else None
