"""The chart of `clean_growth`: time and memory against the number of documents, both axes logarithmic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 360, 260, 70, 40, 60


@dataclasses.dataclass(frozen=True)
class Point:
    """One size.

    Attributes:
        documents: how many.
        processor_s: what they took.
        peak_bytes: the most memory held.
    """

    documents: int
    processor_s: float
    peak_bytes: int


def draw(points: Sequence[Point]) -> str:
    """An SVG of two panels; the dashed line is growth in proportion, through the first point."""
    panels = [
        _panel(points, lambda point: point.processor_s, "processor time, s", _LEFT),
        _panel(points, lambda point: point.peak_bytes / 1e9, "peak memory, GB", 2 * _LEFT + _WIDTH + _GAP),
    ]
    width, height = 2 * (_LEFT + _WIDTH + _GAP), _HEIGHT + 2 * _TOP + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n{"".join(panels)}</svg>\n'
    )


def _panel(points: Sequence[Point], of: Callable[[Point], float], title: str, left: int) -> str:
    first, last = points[0].documents, points[-1].documents
    proportional = [of(points[0]) * point.documents / first for point in points]
    values = [*map(of, points), *proportional]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    across = max(math.log10(last / first), 1e-9)

    def place(documents: int, value: float) -> tuple[float, float]:
        right = left + _WIDTH * math.log10(documents / first) / across
        return right, _TOP + _HEIGHT * (1 - (math.log10(value) - low) / max(high - low, 1))

    def path(values: Sequence[float]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*place(p.documents, v)) for p, v in zip(points, values, strict=True))

    parts = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        y = place(first, 10.0**power)[1]
        parts.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts.append(f'<polyline points="{path(proportional)}" fill="none" stroke="#999" stroke-dasharray="4 4"/>')
    parts.append(f'<polyline points="{path([*map(of, points)])}" fill="none" stroke="#0b62a4" stroke-width="2"/>')
    for point in points:
        x, y = place(point.documents, of(point))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b62a4"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{of(point):.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{point.documents:,}</text>')
    return "\n".join(parts) + "\n"
