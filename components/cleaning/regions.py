"""Moves the regions of records along with what the rules make of their contents; what cannot be kept is counted.

Code keeps its lines in standard form, an image is turned as its EXIF says, a text is trimmed, mended and composed. The
mending is followed line by line: a span's start or end moves to where the line can be cut so that both pieces, mended
alone, are the mended line.
"""

from __future__ import annotations

import bisect
import collections
import enum
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Union

import pyarrow as pa

from components.cleaning import texts
from components.cleaning.attributes import DROPPED_REGIONS, counted, told
from components.cleaning.config import CleaningConfig
from components.cleaning.faults import Fault
from components.cleaning.images import stored_form
from schemas import records, regions
from schemas.regions import Affine, Edit, Flaw, Region, Span

_REACH = 4  # characters that a span may grow by at either end, to cover what they are composed to
_LAST_UPRIGHT = 4  # of the orientations; the others exchange width and height
_MOST_MENDED = 500_000  # characters of pieces of lines a record: half a second about


class Loss(str, enum.Enum):
    """Why a region that was right is not kept."""

    ERASED = "erased"
    MENDED = "mended"


Outcome = Union[Region, Flaw, Loss]  # noqa: UP007
Move = Callable[[int, Sequence[Region]], Sequence[Outcome]]


def columns(batch: pa.RecordBatch, faults: Sequence[Fault | None], move: Move) -> dict[str, pa.Array]:
    """The columns `regions` and `attributes` after the contents have changed; none if no record has regions.

    Args:
        batch: records.
        faults: of each; a rejected record's regions do not matter.
        move: what becomes of the regions of a row.
    """
    if batch["regions"].null_count == batch.num_rows:
        return {}
    found = batch["regions"].to_pylist()
    attributes = batch["attributes"].to_pylist()
    for row, (rows, fault) in enumerate(zip(found, faults, strict=True)):
        if not rows or fault is not None:
            continue
        outcomes = move(row, regions.from_rows(rows))
        found[row] = regions.to_rows([outcome for outcome in outcomes if isinstance(outcome, Region)])
        lost = collections.Counter(outcome.value for outcome in outcomes if not isinstance(outcome, Region))
        if lost:
            noted = dict(attributes[row])
            noted[DROPPED_REGIONS] = told(lost + counted(noted.get(DROPPED_REGIONS, "")))
            attributes[row] = sorted(noted.items())
    return {
        "regions": pa.array(found, records.RECORD.field("regions").type),
        "attributes": pa.array(attributes, batch["attributes"].type),
    }


def in_standard_form(own: Sequence[Region], modality: str, raw: bytes, config: CleaningConfig) -> list[Outcome]:
    """Where regions of a content are in its standard form, which it has.

    Args:
        own: any regions.
        modality: of the content.
        raw: the content as it came.
        config: as the standard form was made with.
    """
    if modality == "image":
        width, height, orientation = stored_form(raw)
        flaws = [regions.check(region, modality, (width, height)) for region in own]
        return [flaw or _turned(region, width, height, orientation) for region, flaw in zip(own, flaws, strict=True)]
    text = raw.decode()
    size = regions.lines_of(text) if modality == "code" else len(text)
    flaws = [regions.check(region, modality, (size,)) for region in own]
    if modality == "code":
        return [flaw or region for region, flaw in zip(own, flaws, strict=True)]
    spans = [region.bounds[:2] for region, flaw in zip(own, flaws, strict=True) if flaw is None]
    moved = iter(standard_spans(text, spans, config)[1])
    return [flaw or _placed(region, next(moved)) for region, flaw in zip(own, flaws, strict=True)]


def redacted(own: Sequence[Region], modality: str, text: str, passes: Sequence[Sequence[Edit]]) -> list[Outcome]:
    """Where regions of a text or a code in standard form are after edits.

    Args:
        own: regions within the text.
        modality: of the text.
        text: before the edits.
        passes: edits, each pass in the positions that the one before has left.
    """
    places: list[Span | Loss] = [region.bounds[:2] for region in own]
    for edits in passes:
        places = _shifted(places, edits, text if modality == "code" else None)
        text = regions.apply_edits(text, edits)
    return [_placed(region, place) for region, place in zip(own, places, strict=True)]


def standard_spans(text: str, spans: Sequence[Span], config: CleaningConfig) -> tuple[str, list[Span | Loss]]:
    """The standard form of a text, as `texts.standard_text` makes it, and where spans are in it."""
    places: list[Span | Loss] = list(spans)
    mending = _Mending(config)
    for _ in range(texts.ROUNDS):
        before = text
        for find in (_marks, _carriage_returns, _margins):
            edits = find(text)
            places = _shifted(places, edits)
            text = regions.apply_edits(text, edits)
        text, places = mending(text, places)
        if text == before:
            break
    return text, places


class _Mending:
    """Mends a text and moves spans along, within a budget of a record.

    Args:
        config: how to mend.
    """

    def __init__(self, config: CleaningConfig):
        self._config = config
        self._left = _MOST_MENDED

    def __call__(self, text: str, places: Sequence[Span | Loss]) -> tuple[str, list[Span | Loss]]:
        """The text mended, and where spans of it are then."""
        lines = text.split("\n")
        mended = [texts.mended(line, self._config) for line in lines]
        if mended == lines:
            return text, list(places)
        starts, new_starts = ([0, *itertools.accumulate(len(line) + 1 for line in some)] for some in (lines, mended))
        moved: list[Span | Loss] = []
        for place in places:
            if isinstance(place, Loss):
                moved.append(place)
                continue
            start, end = place
            first, last = (bisect.bisect_right(starts, position) - 1 for position in (start, end - 1))
            one, other = start - starts[first], end - starts[last]
            if first == last and other <= len(lines[first]):
                found = self._within(lines[first], mended[first], one, other)
            else:
                found = self._across(lines[first], mended[first], one, lines[last], mended[last], other)
            if found is None:
                moved.append(Loss.MENDED)
            else:
                start, end = found[0] + new_starts[first], found[1] + new_starts[last]
                moved.append((start, end) if start < end else Loss.ERASED)
        return "\n".join(mended), moved

    def _within(self, line: str, mended: str, start: int, end: int) -> Span | None:
        """Where a span of a line is: cut there, else found by what it is mended to, else a little wider."""
        new_start, new_end = self._cut(line, mended, start), self._cut(line, mended, end)
        if new_start is not None and new_end is not None:
            return new_start, new_end
        part = self._mended(line[start:end])
        if part and line.count(line[start:end]) == 1 and mended.count(part) == 1:
            return mended.index(part), mended.index(part) + len(part)
        return self._across(line, mended, start, line, mended, end)

    def _across(self, line: str, mended: str, start: int, last: str, last_mended: str, end: int) -> Span | None:
        """Where a start in one line and an end in another are; the end may be after the line's end."""
        starts = (self._cut(line, mended, place) for place in range(start, max(start - _REACH, 0) - 1, -1))
        new_start = next((place for place in starts if place is not None), None)
        beyond = end - len(last)
        if beyond > 0:
            return None if new_start is None else (new_start, len(last_mended) + beyond)
        ends = (self._cut(last, last_mended, place) for place in range(end, min(end + _REACH, len(last)) + 1))
        new_end = next((place for place in ends if place is not None), None)
        return None if new_start is None or new_end is None else (new_start, new_end)

    def _cut(self, line: str, mended: str, place: int) -> int | None:
        """Where a place of a line is once it is mended, None if the pieces at both sides do not say."""
        if line == mended:
            return place
        if place in (0, len(line)):
            return len(mended) if place else 0
        head, tail = self._mended(line[:place]), self._mended(line[place:])
        return len(head) if head + tail == mended else None

    def _mended(self, piece: str) -> str:
        """A piece of a line mended; nothing once the budget is used up, so that no place is found any more."""
        self._left -= len(piece)
        return texts.mended(piece, self._config) if self._left >= 0 else ""


def _marks(text: str) -> list[Edit]:
    """Byte order marks are taken out."""
    return [Edit(match.start(), match.end(), "") for match in re.finditer(texts.BYTE_ORDER_MARK, text)]


def _carriage_returns(text: str) -> list[Edit]:
    """Line ends become line feeds."""
    return [
        Edit(match.start(), match.end(), "" if text.startswith("\n", match.end()) else "\n")
        for match in re.finditer("\r", text)
    ]


def _margins(text: str) -> list[Edit]:
    """White space around the text is taken away."""
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    around = (Edit(0, first, ""), Edit(max(last, first), len(text), ""))
    return [edit for edit in around if edit.start < edit.end]


def _shifted(places: Sequence[Span | Loss], edits: Sequence[Edit], code: str | None = None) -> list[Span | Loss]:
    """Spans, or line ranges of a code, after edits."""
    if not edits:
        return list(places)
    left = [place for place in places if not isinstance(place, Loss)]
    moved = iter(regions.shift_spans(left, edits) if code is None else regions.shift_lines(left, code, edits))
    return [place if isinstance(place, Loss) else next(moved) or Loss.ERASED for place in places]


def _placed(region: Region, place: Span | Loss) -> Outcome:
    return place if isinstance(place, Loss) else Region(region.label, (*place, 0, 0))


def _turned(region: Region, width: int, height: int, orientation: int) -> Outcome:
    """Where a box is once the image is upright: the eight values of EXIF's tag Orientation (CIPA DC-008, 4.6.5)."""
    w, h = width, height
    affine: Affine = (
        (1, 0, 0, 0, 1, 0),
        (-1, 0, w, 0, 1, 0),
        (-1, 0, w, 0, -1, h),
        (1, 0, 0, 0, -1, h),
        (0, 1, 0, 1, 0, 0),
        (0, -1, h, 1, 0, 0),
        (0, -1, h, -1, 0, w),
        (0, 1, 0, -1, 0, w),
    )[orientation - 1]
    box = regions.transform_box(region.bounds, affine, (w, h) if orientation <= _LAST_UPRIGHT else (h, w))
    return Loss.ERASED if box is None else Region(region.label, box)
