"""Boxes in an image, moved along with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels from the top left corner; right and bottom are the first beyond."""
_Point = tuple[float, float]

_NOTHING = 1e-6  # of a pixel: what rounding errors may add to a box


def moved(box: Box, places: Sequence[float], width: int, height: int, least_share: float) -> Box | None:
    """The smallest box around what a box shows after an affine map, as far as that is in the frame.

    Args:
        box: in the image.
        places: where each place of the copy lies in the image, as `amounts.places` says it.
        width: of the frame, in pixels.
        height: of the frame, in pixels.
        least_share: of its area that must be in the frame.

    Returns:
        The box, or None if it is empty or less of it stays in the frame.
    """
    a, b, c, d, e, f = places
    determinant = a * e - b * d
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        return None
    corners = [
        ((e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant)
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    seen = corners
    for axis, limit in ((0, width), (1, height)):
        seen = _clipped(seen, axis, 0.0, 1.0)
        seen = _clipped(seen, axis, float(limit), -1.0)
    area = _area(seen)
    if area <= 0 or area < least_share * _area(corners) - _NOTHING:
        return None
    across, down = [x for x, _ in seen], [y for _, y in seen]
    return (
        math.floor(min(across) + _NOTHING),
        math.floor(min(down) + _NOTHING),
        math.ceil(max(across) - _NOTHING),
        math.ceil(max(down) - _NOTHING),
    )


def _clipped(polygon: list[_Point], axis: int, limit: float, side: float) -> list[_Point]:
    """The part of a convex polygon on one side of a line (Sutherland and Hodgman 1974)."""
    kept: list[_Point] = []
    for before, point in zip(polygon[-1:] + polygon[:-1], polygon, strict=True):
        inside_before, inside = ((place[axis] - limit) * side >= 0 for place in (before, point))
        if inside != inside_before:
            share = (limit - before[axis]) / (point[axis] - before[axis])
            kept.append((before[0] + share * (point[0] - before[0]), before[1] + share * (point[1] - before[1])))
        if inside:
            kept.append(point)
    return kept


def _area(polygon: list[_Point]) -> float:
    pairs = zip(polygon[-1:] + polygon[:-1], polygon, strict=True)
    return abs(sum(before[0] * point[1] - before[1] * point[0] for before, point in pairs)) / 2
