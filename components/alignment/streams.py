"""Joins the sources of a data set by time, one after the other, to the one that is the reference.

What is joined are things: the records of one source that share a key. A thing's time is that of its first record that
has one. Without a partner, or without a time, a thing stays alone and becomes a sample if it can.
"""

from __future__ import annotations

import collections
import operator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from components.alignment import clocks
from components.alignment.config import TimestampJoin
from components.alignment.doubts import Side, doubts, iso
from components.alignment.pairing import Pairing, pair
from components.alignment.report import Doubts, StreamReport
from components.alignment.things import Thing
from schemas.errors import SourceError

_US = 1_000_000
_KEY = operator.attrgetter("key")


# There may be millions of these, and a named tuple is made in half the time of a frozen dataclass.
class Partner(NamedTuple):
    """A thing that is joined to one of the reference.

    Attributes:
        thing: the thing.
        gap_us: its time on the reference's clock less that of the reference's thing.
        score: the probability that chance alone puts no record of its source so near, see `pairing.scores`.
        clock_correction_us: its time on the reference's clock less that on its own.
    """

    thing: Thing
    gap_us: int
    score: float
    clock_correction_us: int


class Joined(NamedTuple):
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
    for thing in things:
        by_source[thing.source].append(thing)
    if config.reference not in by_source:
        raise SourceError(
            f"the data set has no record of the source `{config.reference}`, which the others are to be joined to",
            where=f"alignment.timestamps.{dataset}.reference",
            remedy=f"name one of: {', '.join(sorted(by_source))}" if by_source else "check the name of the data set",
        )
    reference, times_us = _ordered(by_source.pop(config.reference))
    reference_side = Side(config.reference, [thing.key for thing in reference], times_us)
    partners: list[list[Partner] | None] = [None] * len(reference)
    alone: list[Joined] = []
    reports = []
    for source, own in sorted(by_source.items()):
        others, other_us = _ordered(own)
        pairing = pair(times_us, other_us, config)
        if isinstance(pairing, clocks.NoAnswer):
            raise _unrelated(dataset, source, config, pairing)
        for one, partner in zip(pairing.pairs.reference.tolist(), _partners(others, other_us, pairing), strict=True):
            so_far = partners[one]
            if so_far is None:
                partners[one] = [partner]
            else:
                so_far.append(partner)
        is_alone = np.ones(len(others), bool)
        is_alone[pairing.pairs.other] = False
        alone.extend(Joined(others[index], ()) for index in np.flatnonzero(is_alone).tolist())
        other_side = Side(source, [thing.key for thing in others], other_us)
        in_doubt = doubts(reference_side, other_side, pairing, config.examples)
        counts = (len(reference), len(others), len(other_us))
        reports.append(_report(dataset, source, counts, pairing, in_doubt, config))
    return [Joined(thing, tuple(own or ())) for thing, own in zip(reference, partners, strict=True)] + alone, reports


def _ordered(things: Sequence[Thing]) -> tuple[list[Thing], np.ndarray]:
    """The things by time and then by key, those without a time last; and the times of the others, int64."""
    timed = [thing for thing in things if thing.time_us is not None]
    times = np.array([thing.time_us for thing in timed], np.int64)
    order = np.argsort(times, kind="stable")
    times = times[order]
    ordered = [timed[index] for index in order.tolist()]
    equal = np.concatenate(([False], times[1:] == times[:-1], [False])).astype(np.int8)
    steps = np.diff(equal)
    for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
        ordered[first : last + 1] = sorted(ordered[first : last + 1], key=_KEY)
    return ordered + sorted((thing for thing in things if thing.time_us is None), key=_KEY), times


def _partners(others: Sequence[Thing], other_us: np.ndarray, pairing: Pairing) -> list[Partner]:
    """What is joined, in the order of the pairs."""
    taken = pairing.pairs.other
    columns = (
        map(others.__getitem__, taken.tolist()),
        pairing.pairs.gaps_us.tolist(),
        pairing.scores.tolist(),
        (pairing.corrected_us[taken] - other_us[taken]).tolist(),
    )
    return list(map(Partner, *columns))


def _report(
    dataset: str, source: str, counts: tuple[int, int, int], pairing: Pairing, in_doubt: Doubts, config: TimestampJoin
) -> StreamReport:
    (references, others, timed), clock, pairs = counts, pairing.clock, pairing.pairs
    return StreamReport(
        dataset=dataset,
        reference=config.reference,
        source=source,
        how=config.how,
        tolerance_s=pairing.tolerance_us / _US,
        origin=iso(clock.origin_us) if clock else None,
        offset_s=clock.offset_us / _US if clock else None,
        offset_error_s=clock.offset_error_us / _US if clock else None,
        drift_ppm=clock.drift_ppm if clock else None,
        drift_error_ppm=clock.drift_error_ppm if clock else None,
        spread_s=clock.spread_us / _US if clock else None,
        evidence=clock.evidence if clock else None,
        pairs=len(pairs.gaps_us),
        unmatched_reference=references - len(np.unique(pairs.reference)),
        unmatched=others - len(np.unique(pairs.other)),
        untimed=others - timed,
        gaps_s={name: gap / _US for name, gap in pairs.quantiles_us().items()},
        doubts=in_doubt,
    )


def _unrelated(dataset: str, source: str, config: TimestampJoin, answer: clocks.NoAnswer) -> SourceError:
    return SourceError(
        f"how the clock of `{source}` relates to that of `{config.reference}` cannot be told: {answer.reason.value}",
        where=f"alignment.timestamps.{dataset}",
        remedy="set estimate_clock to false and a tolerance_s if the clocks agree, or bring more data",
    )
