"""Joins two streams by time, within a tolerance.

The rules: the order of the records does not matter, they are sorted by time, records of one time as they came. Of two
that are equally near the earlier one is taken. One to one, a pair are those that are nearest to each other; records of
one time are paired in their order, and those left over stay alone. Times are int64 microseconds.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from components.cleaning.near_duplicates.kernels import compiled
from schemas.errors import SourceError

_MOST_PAIRS = 50_000_000  # 1.2 GB
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class How(enum.Enum):
    """Which records belong together."""

    NEAREST = "nearest"
    ONE_TO_ONE = "one_to_one"
    WINDOWED = "windowed"


@dataclasses.dataclass(frozen=True)
class Pairs:
    """What belongs together, in the order of the reference's indices, then of the other stream's times.

    Attributes:
        reference: int64 [pairs], indices.
        other: int64 [pairs], indices.
        gaps_us: int64 [pairs], other - reference.
    """

    reference: np.ndarray
    other: np.ndarray
    gaps_us: np.ndarray

    def quantiles_us(self) -> dict[str, float]:
        """The distribution of the gaps: `QUANTILES` by name (`5%`), empty if there is no pair."""
        if not len(self.gaps_us):
            return {}
        found = np.quantile(self.gaps_us, QUANTILES)
        return {f"{quantile:.0%}": float(gap) for quantile, gap in zip(QUANTILES, found, strict=True)}


def join(reference_us: np.ndarray, other_us: np.ndarray, *, tolerance_us: int, how: How) -> Pairs:
    """Joins two streams.

    Args:
        reference_us: int64 [n], in any order.
        other_us: int64 [m], in any order.
        tolerance_us: the largest gap, inclusive.
        how: nearest: each record of the reference takes the nearest of the other stream, which may be taken more than
            once; one to one: those that are nearest to each other; windowed: all within the tolerance.

    Raises:
        SourceError: there are too many pairs.
    """
    (reference, reference_order), (other, other_order) = _sorted(reference_us), _sorted(other_us)
    if not len(reference) or not len(other):
        left = right = np.empty(0, np.int64)
    elif how is How.ONE_TO_ONE:
        left, right = _one_to_one(reference, other, tolerance_us)
    elif how is How.NEAREST:
        right = nearest(reference, other)
        left = np.flatnonzero(np.abs(other[right] - reference) <= tolerance_us)
        right = right[left]
    else:
        left, right = _windowed(reference, other, tolerance_us)
    gaps = other[right] - reference[left]
    if reference_order is not None:
        left = reference_order[left]
        placed = np.argsort(left, kind="stable")
        left, right, gaps = left[placed], right[placed], gaps[placed]
    return Pairs(left, right if other_order is None else other_order[right], gaps)


@compiled
def nearest(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each time the index of the nearest other: the earlier of equally near, the first of equal. One pass.

    Args:
        times: int64 [n], sorted.
        others: int64 [m], sorted, at least one.

    Returns:
        int64 [n].
    """
    found = np.empty(len(times), np.int64)
    first = after = 0  # the first of those equal to the last before the time; the first not before it
    for place in range(len(times)):
        time = times[place]
        while after < len(others) and others[after] < time:
            if others[after] > others[first]:
                first = after
            after += 1
        nearer = after == 0 or (after < len(others) and others[after] - time < time - others[first])
        found[place] = after if nearer else first
    return found


def mutual_nearest(reference_us: np.ndarray, other_us: np.ndarray, tolerance_us: int) -> tuple[np.ndarray, np.ndarray]:
    """Which are nearest to each other, of times that are sorted; of equal times the first only.

    Args:
        reference_us: int64 [n].
        other_us: int64 [m].
        tolerance_us: the largest gap, inclusive.

    Returns:
        The indices of both, int64 [pairs] each, rising.
    """
    right = nearest(reference_us, other_us)
    back = nearest(other_us, reference_us)
    left = np.flatnonzero(
        (back[right] == np.arange(len(reference_us))) & (np.abs(other_us[right] - reference_us) <= tolerance_us)
    )
    return left, right[left]


def _sorted(times: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The times in order, and the order where it is not that in which they came."""
    if (times[1:] >= times[:-1]).all():
        return times, None
    order = np.argsort(times, kind="stable")
    return times[order], order


def _one_to_one(reference: np.ndarray, other: np.ndarray, tolerance: int) -> tuple[np.ndarray, np.ndarray]:
    if _distinct(reference) and _distinct(other):
        return mutual_nearest(reference, other, tolerance)
    times, first, count = np.unique(reference, return_index=True, return_counts=True)
    other_times, other_first, other_count = np.unique(other, return_index=True, return_counts=True)
    left, right = mutual_nearest(times, other_times, tolerance)
    both = np.minimum(count[left], other_count[right])
    rank = _ranks(both)
    return np.repeat(first[left], both) + rank, np.repeat(other_first[right], both) + rank


def _windowed(reference: np.ndarray, other: np.ndarray, tolerance: int) -> tuple[np.ndarray, np.ndarray]:
    low = np.searchsorted(other, reference - tolerance)
    number = np.searchsorted(other, reference + tolerance, side="right") - low
    total = int(number.sum())
    if total > _MOST_PAIRS:
        raise SourceError(
            f"{total:,} pairs of records are within {tolerance / 1e6:g} s of each other, more than {_MOST_PAIRS:,}",
            where="Align",
            remedy="lower `tolerance_s`, or join one to one",
        )
    return np.repeat(np.arange(len(reference)), number), np.repeat(low, number) + _ranks(number)


def _ranks(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... count - 1 for each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _distinct(times: np.ndarray) -> bool:
    return bool((times[1:] > times[:-1]).all())
