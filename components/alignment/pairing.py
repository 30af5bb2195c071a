"""Pairs two streams of times: relates their clocks, joins them, says how sure each pair is and what is in doubt.

Everything is an array, so that millions of records take seconds.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from components.alignment import clocks, timestamps
from components.alignment.config import TimestampJoin

_US = 1_000_000
_NONE = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class Pairing:
    """What came of two streams.

    Attributes:
        clock: how the other's clock relates to the reference's; None where they were said to agree.
        tolerance_us: the largest gap that was allowed.
        corrected_us: int64 [m], the other's times on the reference's clock.
        pairs: which belong together.
        scores: float64 [pairs], the probability that chance alone puts no record of the other stream so near.
        rivals: int64 [pairs], the next best partner of either side, -1 if there is none: an index of the reference where
            `rival_of_other`, else of the other stream.
        rival_of_other: bool [pairs], whose rival that is: the reference's record could have been another.
        rival_gaps_us: int64 [pairs], how far away that one is; the largest integer where there is none.
    """

    clock: clocks.Clock | None
    tolerance_us: int
    corrected_us: np.ndarray
    pairs: timestamps.Pairs
    scores: np.ndarray
    rivals: np.ndarray
    rival_of_other: np.ndarray
    rival_gaps_us: np.ndarray

    @property
    def ambiguous(self) -> np.ndarray:
        """Which pairs have a rival within the tolerance that is at most a third of it farther away: bool [pairs].

        A third of the tolerance is the standard deviation of the gaps where the tolerance follows from the clock."""
        margins = self.rival_gaps_us - np.abs(self.pairs.gaps_us)
        return (self.rival_gaps_us <= self.tolerance_us) & (margins <= self.tolerance_us // 3)


def pair(reference_us: np.ndarray, other_us: np.ndarray, config: TimestampJoin) -> Pairing | clocks.NoAnswer:
    """Pairs two streams, or says why their clocks cannot be related.

    Args:
        reference_us: int64 [n], sorted.
        other_us: int64 [m], sorted.
        config: how.

    Raises:
        SourceError: there are too many pairs.
    """
    clock = None
    if config.estimate_clock:
        answer = clocks.relate(
            reference_us,
            other_us,
            max_offset_us=max(round(config.max_offset_s * _US), 1),
            max_drift_ppm=config.max_drift_ppm,
        )
        if isinstance(answer, clocks.NoAnswer):
            return answer
        clock = answer
    corrected = clock.to_reference(other_us) if clock else other_us
    if config.tolerance_s is not None:
        tolerance_us = round(config.tolerance_s * _US)
    else:
        tolerance_us = clock.tolerance_us if clock else 0
    how = timestamps.How(config.how)
    pairs = timestamps.join(reference_us, corrected, tolerance_us=tolerance_us, how=how)
    rivals, rival_of_other, rival_gaps = _rivals(reference_us, corrected, pairs, how)
    return Pairing(
        clock=clock,
        tolerance_us=tolerance_us,
        corrected_us=corrected,
        pairs=pairs,
        scores=scores(np.abs(pairs.gaps_us), corrected, tolerance_us),
        rivals=rivals,
        rival_of_other=rival_of_other,
        rival_gaps_us=rival_gaps,
    )


def scores(gaps_us: np.ndarray, times_us: np.ndarray, tolerance_us: int) -> np.ndarray:
    """The probability that a stream whose records have nothing to do with an event has none within a gap of it.

    The stream is taken for a Poisson process. Its rate is not known but told from n records in their span, which is
    widened by the tolerance to both sides, so that one record alone tells something; with every rate as likely as any
    other before, the number of records within the gap is negative binomial (Gelman and others, Bayesian Data Analysis,
    3rd edition, 2.6), and 0 has the probability `(1 + 2 * gap / span) ** -(n + 1)`.

    Args:
        gaps_us: int64 [pairs], not negative.
        times_us: int64 [n], of the stream, sorted.
        tolerance_us: the largest gap.

    Returns:
        float64 [pairs], above 0, at most 1.
    """
    if not len(times_us):
        return np.ones(len(gaps_us))
    span = max(int(times_us[-1] - times_us[0]) + 2 * tolerance_us, 1)
    return np.exp(-(len(times_us) + 1) * np.log1p(2.0 * gaps_us / span))


def _rivals(
    reference: np.ndarray, other: np.ndarray, pairs: timestamps.Pairs, how: timestamps.How
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The next best partners. There is none where all within the tolerance are taken."""
    if how is timestamps.How.WINDOWED:
        number = len(pairs.gaps_us)
        return np.full(number, -1), np.zeros(number, bool), np.full(number, _NONE)
    of_reference, gaps = _runner_up(reference[pairs.reference], other, pairs.other)
    if how is timestamps.How.NEAREST:
        return of_reference, np.zeros(len(gaps), bool), gaps
    of_other, other_gaps = _runner_up(other[pairs.other], reference, pairs.reference)
    nearer = other_gaps < gaps
    return np.where(nearer, of_other, of_reference), nearer, np.minimum(gaps, other_gaps)


def _runner_up(times: np.ndarray, others: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of the others that is not the one taken, which is nearest, and how far it is: a neighbour of that."""
    if len(others) < 2:
        return np.full(len(times), -1), np.full(len(times), _NONE)
    before, after = np.maximum(taken - 1, 0), np.minimum(taken + 1, len(others) - 1)
    to_before = np.where(taken > 0, np.abs(times - others[before]), _NONE)
    to_after = np.where(taken < len(others) - 1, np.abs(others[after] - times), _NONE)
    earlier = to_before <= to_after
    return np.where(earlier, before, after), np.where(earlier, to_before, to_after)
