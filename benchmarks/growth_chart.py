"""The charts of growth: time and memory against the number of documents, records or pairs, both axes logarithmic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 360, 260, 70, 40, 60


@dataclasses.dataclass(frozen=True)
class Point:
    """One size.

    Attributes:
        count: how many.
        processor_s: what they took.
        peak_bytes: the most memory held.
    """

    count: int
    processor_s: float
    peak_bytes: int


def draw(points: Sequence[Point], counted: str = "documents") -> str:
    """An SVG of two panels; the dashed line is growth in proportion, through the first point.

    Args:
        points: by their count, rising.
        counted: what the count is of.
    """
    panels = [
        _panel(points, lambda point: point.processor_s, "processor time, s", counted, _LEFT),
        _panel(points, lambda point: point.peak_bytes / 1e9, "peak memory, GB", counted, 2 * _LEFT + _WIDTH + _GAP),
    ]
    width, height = 2 * (_LEFT + _WIDTH + _GAP), _HEIGHT + 2 * _TOP + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n{"".join(panels)}</svg>\n'
    )


def _panel(points: Sequence[Point], of: Callable[[Point], float], title: str, counted: str, left: int) -> str:
    first, last = points[0].count, points[-1].count
    proportional = [of(points[0]) * point.count / first for point in points]
    values = [*map(of, points), *proportional]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    across = max(math.log10(last / first), 1e-9)

    def place(count: int, value: float) -> tuple[float, float]:
        right = left + _WIDTH * math.log10(count / first) / across
        return right, _TOP + _HEIGHT * (1 - (math.log10(value) - low) / max(high - low, 1))

    def path(values: Sequence[float]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*place(p.count, v)) for p, v in zip(points, values, strict=True))

    parts = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        y = place(first, 10.0**power)[1]
        parts.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts.append(f'<polyline points="{path(proportional)}" fill="none" stroke="#999" stroke-dasharray="4 4"/>')
    parts.append(f'<polyline points="{path([*map(of, points)])}" fill="none" stroke="#0b62a4" stroke-width="2"/>')
    for point in points:
        x, y = place(point.count, of(point))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b62a4"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{of(point):.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{point.count:,}</text>')
    below = f'<text x="{left + _WIDTH / 2}" y="{_TOP + _HEIGHT + 36}" text-anchor="middle">{counted}</text>'
    return "\n".join([*parts, below]) + "\n"
