"""Examples of what a join by time left alone or could have joined otherwise, for the report."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import numpy as np

from components.alignment import timestamps
from components.alignment.pairing import Pairing
from components.alignment.report import Ambiguous, Doubts, Unmatched

_US = 1_000_000


@dataclasses.dataclass(frozen=True)
class Side:
    """One of two streams.

    Attributes:
        source: its name.
        keys: of its things.
        times_us: int64 [n], by its own clock, sorted.
    """

    source: str
    keys: Sequence[str]
    times_us: np.ndarray


def doubts(reference: Side, other: Side, pairing: Pairing, examples: int) -> Doubts:
    """What is in doubt about a join.

    Args:
        reference: the reference.
        other: what was joined to it.
        pairing: how.
        examples: how many of each kind are told at most.
    """
    pairs = pairing.pairs
    doubtful = np.flatnonzero(pairing.ambiguous)
    margins = pairing.rival_gaps_us[doubtful] - np.abs(pairs.gaps_us[doubtful])
    return Doubts(
        ambiguous=len(doubtful),
        ambiguous_examples=tuple(
            _ambiguous(reference, other, pairing, pair) for pair in doubtful[_smallest(margins, examples)].tolist()
        ),
        unmatched_examples=_unmatched(
            other, pairing.corrected_us, reference, reference.times_us, pairs.other, examples
        ),
        unmatched_reference_examples=_unmatched(
            reference, reference.times_us, other, pairing.corrected_us, pairs.reference, examples
        ),
    )


def iso(time_us: int) -> str:
    """A time in microseconds since 1970, UTC, by ISO 8601."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (epoch + datetime.timedelta(microseconds=time_us)).isoformat()


def _unmatched(
    side: Side, own_us: np.ndarray, others: Side, others_us: np.ndarray, taken: np.ndarray, examples: int
) -> tuple[Unmatched, ...]:
    is_alone = np.ones(len(own_us), bool)
    is_alone[taken] = False
    alone = np.flatnonzero(is_alone)
    if not len(others_us):
        first = alone[:examples].tolist()
        return tuple(Unmatched(side.source, side.keys[one], iso(int(side.times_us[one])), None, None) for one in first)
    nearest = timestamps.nearest(own_us[alone], others_us)
    gaps = np.abs(others_us[nearest] - own_us[alone])
    return tuple(
        Unmatched(
            source=side.source,
            key=side.keys[alone[place]],
            time=iso(int(side.times_us[alone[place]])),
            nearest=others.keys[nearest[place]],
            gap_s=int(gaps[place]) / _US,
        )
        for place in _smallest(gaps, examples).tolist()
    )


def _ambiguous(reference: Side, other: Side, pairing: Pairing, pair: int) -> Ambiguous:
    rival_side = reference if pairing.rival_of_other[pair] else other
    place = int(pairing.pairs.reference[pair])
    return Ambiguous(
        reference=reference.keys[place],
        key=other.keys[int(pairing.pairs.other[pair])],
        time=iso(int(reference.times_us[place])),
        gap_s=int(pairing.pairs.gaps_us[pair]) / _US,
        rival=rival_side.keys[int(pairing.rivals[pair])],
        rival_source=rival_side.source,
        rival_gap_s=int(pairing.rival_gaps_us[pair]) / _US,
    )


def _smallest(values: np.ndarray, number: int) -> np.ndarray:
    """The places of the smallest values, smallest first, of equal ones the first."""
    if number >= len(values):
        return np.argsort(values, kind="stable")
    limit = np.partition(values, number)[number]
    near = np.flatnonzero(values <= limit)
    return near[np.argsort(values[near], kind="stable")][:number]
