"""The geometry of a chart of bars: rows that are compared in several respects, a panel each, side by side."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

WIDTH = 720
_NAMES, _GAP, _VALUE = 206, 14, 74
_TOP, _ROW, _THICK = 26, 26, 12


@dataclasses.dataclass(frozen=True)
class Bar:
    """One bar with its value beside it; places in pixels."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float


@dataclasses.dataclass(frozen=True)
class Row:
    """What is compared: its name, the height at which its words stand, its bars, and whether it stands out."""

    name: str
    y: float
    bars: tuple[Bar, ...]
    marked: bool


@dataclasses.dataclass(frozen=True)
class Bars:
    """All that a template draws, in a box of `WIDTH` by `height` pixels; `panels` are titles and where they begin."""

    panels: tuple[tuple[str, float], ...]
    rows: tuple[Row, ...]
    height: float


def draw(rows: Sequence[str], panels: Mapping[str, Sequence[tuple[float, str]]], marked: str = "") -> Bars | None:
    """Lays out the bars; each panel has a scale of its own, which begins at zero.

    Args:
        rows: names.
        panels: by title, a value and its words for each row; a value below zero or without end has no bar.
        marked: the row that stands out.

    Returns:
        None if there is nothing to draw.
    """
    if not rows or not panels:
        return None
    wide = (WIDTH - _NAMES - _GAP * (len(panels) - 1)) / len(panels)
    starts = [_NAMES + place * (wide + _GAP) for place in range(len(panels))]
    drawn: list[list[Bar]] = [[] for _ in rows]
    for start, values in zip(starts, panels.values(), strict=True):
        most = max((value for value, _ in values if math.isfinite(value)), default=0.0)
        for place, (value, label) in enumerate(values):
            share = value / most if math.isfinite(value) and value > 0 else 0.0
            width = share * (wide - _VALUE)
            y = _TOP + place * _ROW + (_ROW - _THICK) / 2
            drawn[place].append(Bar(start, y, width, _THICK, label, start + width + 5))
    return Bars(
        panels=tuple(zip(panels, starts, strict=True)),
        rows=tuple(
            Row(name, _TOP + place * _ROW + _ROW / 2 + 4, tuple(bars), name == marked)
            for place, (name, bars) in enumerate(zip(rows, drawn, strict=True))
        ),
        height=_TOP + _ROW * len(rows) + 4,
    )
