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
        lines: for each line of the code as it was its number now, from 1 on; None if it is gone.
    """

    code: str
    lines: tuple[int | None, ...]


def edited(code: str, edits: Iterable[Edit]) -> Edited:
    """A code after edits that do not overlap. Of several at one place insertions come first, in the order given."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    pieces: list[str] = []
    lines: list[int | None] = []
    at = done = 0  # the next edit, and how much of the code is in the pieces
    number = 1
    starts = line_starts(code)
    for start, following in zip(starts, [*starts[1:], len(code) + 1], strict=True):
        gone = False
        while at < len(ordered) and ordered[at].start <= start:
            edit = ordered[at]
            assert edit.start >= done, "edits overlap"
            unchanged = code[done : edit.start]
            pieces += [unchanged, edit.text]
            number += unchanged.count("\n") + edit.text.count("\n")
            done = edit.end
            at += 1
        gone = done >= following
        unchanged = code[done:start]
        pieces.append(unchanged)
        number += unchanged.count("\n")
        done = max(done, start)
        lines.append(None if gone else number)
    for edit in ordered[at:]:
        assert edit.start >= done, "edits overlap"
        pieces += [code[done : edit.start], edit.text]
        done = edit.end
    pieces.append(code[done:])
    return Edited("".join(pieces), tuple(lines))


def line_starts(code: str) -> list[int]:
    """Where each line starts."""
    starts = [0]
    while (end := code.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts


def moved(lines: LineRange, to: Sequence[int | None]) -> LineRange | None:
    """Where a range of lines is after edits; None if none of its lines is left.

    Args:
        lines: as it was.
        to: `Edited.lines`.
    """
    first, last = lines
    left = [number for number in to[max(first - 1, 0) : max(last, 0)] if number is not None]
    return (min(left), max(left)) if left else None
