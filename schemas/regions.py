"""Regions: parts of an image, a text or a code that have a label, checked and moved along when the content changes.

Bounds are four whole numbers. A box in an image: left, top, right, bottom in pixels from the top left corner, right and
bottom being the first beyond. A span in a text: start and end in characters (Unicode code points), the end being the
first beyond, then 0, 0. A line range in code: first and last line, counted from 1 and both included, then 0, 0; lines
end with `\\n`, `\\r\\n` or `\\r`.
"""

from __future__ import annotations

import bisect
import dataclasses
import enum
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Union

MOST_REGIONS = 1000
"""Of one record."""
LONGEST_LABEL = 200
"""Characters of a label."""

Bounds = tuple[int, int, int, int]
Span = tuple[int, int]
Size = Union[tuple[int], tuple[int, int]]  # noqa: UP007
"""Of an image its width and height in pixels, of a text its characters, of a code its lines."""
Affine = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: the point (x, y) comes to (a x + b y + c, d x + e y + f)."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_NOTHING = 1e-6  # of a pixel: what rounding errors may add to a box


class Flaw(str, enum.Enum):
    """Why a region cannot be kept."""

    LABEL = "bad_label"
    MALFORMED = "malformed"
    EMPTY = "empty"
    OUTSIDE = "outside"


@dataclasses.dataclass(frozen=True)
class Region:
    """A part of a content.

    Attributes:
        label: what is there.
        bounds: where; see the module.
    """

    label: str
    bounds: Bounds


class Edit(NamedTuple):
    """A change of a text.

    Attributes:
        start: the first character that is replaced.
        end: the first after it that is not; equal to `start` where something is only put in.
        replacement: what comes there.
    """

    start: int
    end: int
    replacement: str


def from_rows(rows: Iterable[dict[str, Any]] | None) -> tuple[Region, ...]:
    """The regions of a record, from its field `regions` as plain values."""
    return tuple(Region(row["label"], tuple(row["bounds"])) for row in rows or ())


def to_rows(regions: Sequence[Region]) -> list[dict[str, Any]] | None:
    """Regions as plain values for the field `regions` of a record; None if there are none."""
    return [{"label": region.label, "bounds": list(region.bounds)} for region in regions] or None


def lines_of(code: str) -> int:
    """How many lines a code has; what follows the last line end is one only if there is anything."""
    ends = sum(1 for _ in _LINE_END.finditer(code))
    return ends + (not code.endswith(("\r", "\n")) and bool(code))


def check(region: Region, modality: str, size: Size) -> Flaw | None:
    """What is wrong with a region of a content of this size, None if nothing is.

    Args:
        region: the region.
        modality: `text`, `image` or `code`.
        size: of the content.
    """
    if not region.label or len(region.label) > LONGEST_LABEL:
        return Flaw.LABEL
    first, second, third, fourth = region.bounds
    if modality == "image":
        if first >= third or second >= fourth:
            return Flaw.EMPTY
        inside = min(first, second) >= 0 and third <= size[0] and fourth <= size[-1]
        return None if inside else Flaw.OUTSIDE
    if third or fourth:
        return Flaw.MALFORMED
    lowest = 1 if modality == "code" else 0
    if first >= second + lowest:
        return Flaw.EMPTY
    return None if first >= lowest and second <= size[0] else Flaw.OUTSIDE


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """A text with edits made, which are sorted and do not overlap."""
    pieces = []
    end = 0
    for edit in edits:
        pieces += [text[end : edit.start], edit.replacement]
        end = edit.end
    return "".join([*pieces, text[end:]])


def shift_spans(spans: Sequence[Span], edits: Sequence[Edit]) -> list[Span | None]:
    """Where spans of a text are after edits.

    A span comes to cover what its characters have become: of an edit that reaches over its start or end the whole
    replacement, of what is put in at its start or end nothing. None where nothing of it is left.

    Args:
        spans: start and end each.
        edits: sorted by start and end, not overlapping; all in the positions of the text before the first.
    """
    places = [(edit.start, edit.end) for edit in edits]
    added = [0, *itertools.accumulate(len(edit.replacement) - (edit.end - edit.start) for edit in edits)]
    found: list[Span | None] = []
    for start, end in spans:
        before = bisect.bisect_right(places, (start, start))  # those that begin before the span, or are put in there
        if before and places[before - 1][1] > start:
            new_start = places[before - 1][0] + added[before - 1]
        else:
            new_start = start + added[before]
        within = bisect.bisect_left(places, (end,))  # those that begin before its end
        new_end = max(end, places[within - 1][1] if within else 0) + added[within]
        found.append((new_start, new_end) if new_start < new_end else None)
    return found


def shift_lines(ranges: Sequence[Span], code: str, edits: Sequence[Edit]) -> list[Span | None]:
    """Where line ranges of a code are after edits, which may join or remove lines.

    Args:
        ranges: first and last line each, within the code.
        code: before the edits, with `\\n` line ends.
        edits: as for `shift_spans`.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", code)), len(code)]
    spans = [(starts[first - 1], starts[min(last, len(starts) - 1)]) for first, last in ranges]
    ends = [match.start() for match in re.finditer("\n", apply_edits(code, edits))]
    return [
        moved and (1 + bisect.bisect_left(ends, moved[0]), 1 + bisect.bisect_left(ends, moved[1] - 1))
        for moved in shift_spans(spans, edits)
    ]


def transform_box(box: Bounds, affine: Affine, size: tuple[int, int]) -> Bounds | None:
    """The smallest box of whole pixels around a box after an affine map (a scale, a crop, a turn), within the frame.

    Args:
        box: not empty.
        affine: from the old image to the new one.
        size: width and height of the new one.

    Returns:
        The box, None if nothing of it is in the frame.
    """
    a, b, c, d, e, f = affine
    left, top, right, bottom = box
    corners = [(x, y) for x in (left, right) for y in (top, bottom)]
    across, down = [a * x + b * y + c for x, y in corners], [d * x + e * y + f for x, y in corners]
    left, right = max(_floor(min(across)), 0), min(_ceiling(max(across)), size[0])
    top, bottom = max(_floor(min(down)), 0), min(_ceiling(max(down)), size[1])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _floor(place: float) -> int:
    return math.floor(place + _NOTHING)


def _ceiling(place: float) -> int:
    return math.ceil(place - _NOTHING)
