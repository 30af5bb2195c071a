"""The geometry of a line chart: values to pixels, round ticks, paths."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 10, 40

Points = Sequence[tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark on an axis: its label and its place in pixels."""

    label: str
    place: float


@dataclasses.dataclass(frozen=True)
class Line:
    """A curve, or a horizontal line; `path` is an SVG path."""

    name: str
    path: str


@dataclasses.dataclass(frozen=True)
class Chart:
    """All that a template draws, in a box of `WIDTH` by `HEIGHT` pixels.

    Attributes:
        left, right, top, bottom: the frame within which the lines are.
    """

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    horizontals: tuple[Line, ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


def draw(lines: Mapping[str, Points], horizontals: Mapping[str, float]) -> Chart | None:
    """Lays out curves and horizontal lines over a common scale whose y axis begins at zero.

    Args:
        lines: points (x, y) by name, in the order of x; those that are not finite are left out.
        horizontals: y by name.

    Returns:
        None if there is no point to draw.
    """
    finite = {name: [p for p in points if all(map(math.isfinite, p))] for name, points in lines.items()}
    xs = [x for points in finite.values() for x, _ in points]
    ys = [y for points in finite.values() for _, y in points] + [y for y in horizontals.values() if math.isfinite(y)]
    if not xs:
        return None
    x_marks, y_marks = _ticks(min(xs), max(xs), 6), _ticks(0.0, max(ys), 5)
    low_x, high_x = min(xs), max(max(xs), min(xs) + 1)
    high_y = max(y_marks[-1], max(ys))

    def place_x(x: float) -> float:
        return _LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - _LEFT - _RIGHT)

    def place_y(y: float) -> float:
        return HEIGHT - _BOTTOM - y / high_y * (HEIGHT - _TOP - _BOTTOM)

    def path(points: Points) -> str:
        return " ".join(f"{'L' if i else 'M'}{place_x(x):.1f} {place_y(y):.1f}" for i, (x, y) in enumerate(points))

    return Chart(
        x_ticks=tuple(Tick(f"{x:,g}", place_x(x)) for x in x_marks if low_x <= x <= high_x),
        y_ticks=tuple(Tick(f"{y:g}", place_y(y)) for y in y_marks),
        lines=tuple(Line(name, path(points)) for name, points in finite.items() if points),
        horizontals=tuple(
            Line(name, path([(low_x, y), (high_x, y)])) for name, y in horizontals.items() if math.isfinite(y)
        ),
    )


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from at most `low` to at least `high`."""
    raw = max(high - low, 1e-9) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]
