"""Joins the sources of a data set by time, one after the other, to the one that is the reference.

What is joined are things: the records of one source that share a key. A thing's time is that of its first record that
has one. Without a partner, or without a time, a thing stays alone and becomes a sample if it can.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import math
from collections.abc import Sequence

import numpy as np

from components.alignment import clocks, timestamps
from components.alignment.config import TimestampJoin
from components.alignment.report import StreamReport
from schemas.errors import SourceError

_US = 1_000_000


@dataclasses.dataclass(frozen=True)
class Thing:
    """Records of one source that share a key.

    Attributes:
        source: the source's name.
        key: what they share.
        rows: rows of the table of records, in order.
        time_us: when, UTC; None if that is not known.
    """

    source: str
    key: str
    rows: tuple[int, ...]
    time_us: int | None


@dataclasses.dataclass(frozen=True)
class Partner:
    """A thing that is joined to one of the reference.

    Attributes:
        thing: the thing.
        gap_us: its time on the reference's clock less that of the reference's thing.
        score: the probability that chance alone puts no record of its source so near: exp(-2 * rate * |gap|), of a
            Poisson process of the source's rate.
    """

    thing: Thing
    gap_us: int
    score: float


@dataclasses.dataclass(frozen=True)
class Joined:
    """A thing and what was joined to it: by source, and in the order of time."""

    thing: Thing
    partners: tuple[Partner, ...]


def join(dataset: str, things: Sequence[Thing], config: TimestampJoin) -> tuple[list[Joined], list[StreamReport]]:
    """Joins the things of a data set.

    Args:
        dataset: its name.
        things: of all its sources.
        config: how.

    Returns:
        Every thing of the reference with its partners, then those of other sources that have none; and how each source
        was joined.

    Raises:
        SourceError: the reference is not among the sources, or the relation of two clocks cannot be told.
    """
    by_source: dict[str, list[Thing]] = collections.defaultdict(list)
    for thing in sorted(things, key=lambda thing: (thing.time_us or 0, thing.source, thing.key)):
        by_source[thing.source].append(thing)
    if config.reference not in by_source:
        raise SourceError(
            f"the data set has no record of the source `{config.reference}`, which the others are to be joined to",
            where=f"alignment.timestamps.{dataset}.reference",
            remedy=f"name one of: {', '.join(sorted(by_source))}" if by_source else "check the name of the data set",
        )
    reference = by_source.pop(config.reference)
    partners: list[list[Partner]] = [[] for _ in reference]
    alone: list[Joined] = []
    reports = []
    for source, others in sorted(by_source.items()):
        pairs, report = _paired(dataset, source, reference, others, config)
        for one, partner in pairs:
            partners[one].append(partner)
        taken = {partner.thing.key for _, partner in pairs}
        alone.extend(Joined(thing, ()) for thing in others if thing.key not in taken)
        reports.append(report)
    return [Joined(thing, tuple(own)) for thing, own in zip(reference, partners, strict=True)] + alone, reports


def _paired(
    dataset: str, source: str, reference: Sequence[Thing], others: Sequence[Thing], config: TimestampJoin
) -> tuple[list[tuple[int, Partner]], StreamReport]:
    """Pairs of an index of the reference and its partner, and how they came about."""
    left, right = _timed(reference), _timed(others)
    reference_us, other_us = _times(reference, left), _times(others, right)
    clock = _clock(dataset, source, reference_us, other_us, config) if config.estimate_clock else None
    corrected = clock.to_reference(other_us) if clock else other_us
    tolerance_us = _tolerance_us(config, clock)
    pairs = timestamps.join(reference_us, corrected, tolerance_us=tolerance_us, how=timestamps.How(config.how))
    rate = (len(corrected) - 1) / max(int(corrected[-1] - corrected[0]), 1) if len(corrected) else 0.0
    found = [
        (left[one], Partner(others[right[other]], gap, math.exp(-2 * rate * abs(gap))))
        for one, other, gap in zip(pairs.reference.tolist(), pairs.other.tolist(), pairs.gaps_us.tolist(), strict=True)
    ]
    return found, StreamReport(
        dataset=dataset,
        reference=config.reference,
        source=source,
        how=config.how,
        tolerance_s=tolerance_us / _US,
        origin=_iso(clock.origin_us) if clock else None,
        offset_s=clock.offset_us / _US if clock else None,
        offset_error_s=clock.offset_error_us / _US if clock else None,
        drift_ppm=clock.drift_ppm if clock else None,
        drift_error_ppm=clock.drift_error_ppm if clock else None,
        spread_s=clock.spread_us / _US if clock else None,
        evidence=clock.evidence if clock else None,
        pairs=len(found),
        unmatched_reference=len(reference) - len(np.unique(pairs.reference)),
        unmatched=len(others) - len(np.unique(pairs.other)),
        untimed=len(others) - len(right),
        gaps_s={name: gap / _US for name, gap in pairs.quantiles_us().items()},
    )


def _clock(
    dataset: str, source: str, reference_us: np.ndarray, other_us: np.ndarray, config: TimestampJoin
) -> clocks.Clock:
    answer = clocks.relate(
        reference_us,
        other_us,
        max_offset_us=max(round(config.max_offset_s * _US), 1),
        max_drift_ppm=config.max_drift_ppm,
    )
    if isinstance(answer, clocks.NoAnswer):
        raise SourceError(
            f"how the clock of `{source}` relates to that of `{config.reference}` cannot be told: {answer.reason.value}",
            where=f"alignment.timestamps.{dataset}",
            remedy="set estimate_clock to false and a tolerance_s if the clocks agree, or bring more data",
        )
    return answer


def _tolerance_us(config: TimestampJoin, clock: clocks.Clock | None) -> int:
    if config.tolerance_s is not None:
        return round(config.tolerance_s * _US)
    return clock.tolerance_us if clock else 0


def _timed(things: Sequence[Thing]) -> list[int]:
    return [index for index, thing in enumerate(things) if thing.time_us is not None]


def _times(things: Sequence[Thing], indices: Sequence[int]) -> np.ndarray:
    return np.array([things[index].time_us for index in indices], np.int64)


def _iso(time_us: int) -> str:
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (epoch + datetime.timedelta(microseconds=time_us)).isoformat()
