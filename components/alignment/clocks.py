"""How the clock of one stream of events relates to that of another, told from the times of the events alone.

The other clock is taken to read `reference + offset + drift * (reference - origin)`. Differences between the times of
both streams pile up at the true offset, and only there; within a short window the drift does not blur them. So: a
histogram of differences for each of some windows, its highest peak, a line through the peaks that agree (Theil-Sen:
Sen 1968, J. Am. Stat. Assoc. 63), then pairs along the line within a tolerance that shrinks to three robust standard
deviations, through the medians of blocks of pairs; at last the line of least squares through these pairs.

What would be a guess is refused, with the reason: a peak that chance could have made, or one that others nearly reach,
as in streams that are periodic. All times are int64 microseconds.
"""

from __future__ import annotations

import dataclasses
import enum
import math

import numpy as np

from components.alignment.timestamps import mutual_nearest
from components.cleaning.near_duplicates.kernels import compiled

_BIN_SPACINGS = (0.1, 0.02, 0.004)
"""Widths of the histograms' bins, in mean distances of the sparser stream's events, tried in this order."""
_WINDOWS = 64
_WINDOW_EVENTS = 512
_MOST_COMPARISONS = 400_000_000  # about half a second a pass
_MOST_BINS = 20_000_000
_FEWEST_EVENTS = 12
_PEAK_EVIDENCE = 7.0  # natural logarithm: chance makes such a peak in one window of a thousand
_EVIDENCE = 20.0  # of all windows together, and of the pairs in the end: one in 5e8
_RIVAL = 0.6  # what a second peak may reach of the first one's height above the noise
_BESIDE = 0.5  # what may be beside a line, of what is on it
_RADIUS = 3  # bins around a peak that belong to it
_NEIGHBOURHOOD = 10  # bins to both sides of the line that are looked at again in the end
_DEVIATIONS = 3.0
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_ROUNDS = 30
_BLOCKS = 64
_BLOCK_PAIRS = 8


class Refusal(enum.Enum):
    """Why there is no answer."""

    EMPTY = "a stream has too few different times"
    ALL_EQUAL = "all times of a stream are equal"
    NO_OVERLAP = "the streams do not overlap in time"
    WEAK = "no offset fits better than chance would"
    AMBIGUOUS = "several offsets fit equally well, as with periodic events"


@dataclasses.dataclass(frozen=True)
class NoAnswer:
    """The relation of two clocks cannot be told.

    Attributes:
        reason: why.
    """

    reason: Refusal


@dataclasses.dataclass(frozen=True)
class Clock:
    """The relation of two clocks.

    Attributes:
        origin_us: the reference's time that the offset is given for: the middle of the pairs it was learnt from.
        offset_us: what the other clock is ahead by at the origin.
        drift_ppm: what it gains, microseconds a second.
        spread_us: robust standard deviation of the pairs' distances from the line: the jitter of both streams.
        matched: the share of the sparser stream's events, of those looked at, that have a partner along the line.
        by_chance: the share that would have one if the line were wrong.
        evidence: minus the natural logarithm of the probability that a wrong line has so many pairs.
        offset_error_us: standard error of the offset.
        drift_error_ppm: standard error of the drift.
    """

    origin_us: int
    offset_us: float
    drift_ppm: float
    spread_us: float
    matched: float
    by_chance: float
    evidence: float
    offset_error_us: float
    drift_error_ppm: float

    @property
    def tolerance_us(self) -> int:
        """Within which nearly all pairs are: three standard deviations, at least a microsecond."""
        return max(math.ceil(_DEVIATIONS * self.spread_us), 1)

    def offset_at(self, reference_us: int) -> float:
        """What the other clock is ahead by at some time of the reference, microseconds."""
        return self.offset_us + self.drift_ppm * 1e-6 * (reference_us - self.origin_us)

    def to_reference(self, times_us: np.ndarray) -> np.ndarray:
        """Times of the other clock as the reference would have read them.

        Args:
            times_us: int64 [n].

        Returns:
            int64 [n].
        """
        since = (times_us - self.origin_us).astype(np.float64)
        return self.origin_us + np.rint((since - self.offset_us) / (1 + self.drift_ppm * 1e-6)).astype(np.int64)


@dataclasses.dataclass(frozen=True)
class _Line:
    """`other - reference` at a time of the reference: `at + slope * (time - origin)`, microseconds."""

    origin: int
    at: float
    slope: float

    def __call__(self, times: np.ndarray) -> np.ndarray:
        return self.at + self.slope * (times - self.origin)


@dataclasses.dataclass(frozen=True)
class _Peaks:
    """The clear peaks of the windows.

    Attributes:
        times: int64 [windows], the reference's time in the middle of each window.
        offsets: float64 [windows], where its peak is.
        evidence: float64 [windows], minus the logarithm of the probability that chance makes it.
        ambiguous: how many windows have a peak that chance does not make, and a rival to it.
    """

    times: np.ndarray
    offsets: np.ndarray
    evidence: np.ndarray
    ambiguous: int


def relate(
    reference_us: np.ndarray, other_us: np.ndarray, *, max_offset_us: int, max_drift_ppm: float
) -> Clock | NoAnswer:
    """The relation of two clocks, or why it cannot be told. The same for the same times, always.

    Args:
        reference_us: int64 [n], sorted.
        other_us: int64 [m], sorted.
        max_offset_us: the offset is looked for within so much, both ways.
        max_drift_ppm: and the drift within so much.
    """
    reference, other = _different(reference_us), _different(other_us)
    for times, given in ((reference, reference_us), (other, other_us)):
        if len(times) == 1 and len(given) > 1:
            return NoAnswer(Refusal.ALL_EQUAL)
    if min(len(reference), len(other)) < _FEWEST_EVENTS:
        return NoAnswer(Refusal.EMPTY)
    reference, other = _overlapping(reference, other, max_offset_us), _overlapping(other, reference, max_offset_us)
    if not len(reference) or not len(other):
        return NoAnswer(Refusal.NO_OVERLAP)
    if min(len(reference), len(other)) < _FEWEST_EVENTS:
        return NoAnswer(Refusal.WEAK)
    sparse = min(reference, other, key=len)
    spacing = (sparse[-1] - sparse[0]) / (len(sparse) - 1)
    reason = Refusal.WEAK
    answers: list[Clock] = []
    for share in _BIN_SPACINGS:
        width = max(round(share * spacing), 1)
        if 2 * max_offset_us / width > _MOST_BINS:
            break
        found = _at_scale(reference, other, width, max_offset_us, max_drift_ppm)
        if isinstance(found, Clock):
            answers.append(found)
        elif found.reason is Refusal.AMBIGUOUS:
            reason = found.reason
    if not answers:
        return NoAnswer(reason)
    best = max(answers, key=lambda answer: answer.evidence)
    agreeing = [answer for answer in answers if _agree(answer, best)]
    if any(answer.evidence > _RIVAL * best.evidence for answer in answers if answer not in agreeing):
        return NoAnswer(Refusal.AMBIGUOUS)
    return agreeing[0]  # the widest bins allow the longest windows, hence the most pairs


def _agree(one: Clock, other: Clock) -> bool:
    apart = abs(one.offset_us - other.offset_at(one.origin_us))
    return apart <= _DEVIATIONS * (one.spread_us + other.spread_us) + 1


def _different(times: np.ndarray) -> np.ndarray:
    """Each of some sorted times once."""
    return times[np.concatenate(([True], times[1:] != times[:-1]))] if len(times) else times


def _overlapping(times: np.ndarray, others: np.ndarray, margin: int) -> np.ndarray:
    low, high = np.searchsorted(times, (others[0] - margin, others[-1] + margin + 1))
    return times[low:high]


def _at_scale(reference: np.ndarray, other: np.ndarray, width: int, limit: int, max_drift: float) -> Clock | NoAnswer:
    """The relation, looked for with bins of one width."""
    swapped = len(other) < len(reference)
    few, many = (other, reference) if swapped else (reference, other)
    windows = _windows(few, many, max(int(width / (max_drift * 1e-6)), 1), limit)
    peaks = _peaks(few, many, windows, width, limit)
    if swapped:
        peaks = dataclasses.replace(
            peaks, times=peaks.times + np.rint(peaks.offsets).astype(np.int64), offsets=-peaks.offsets
        )
    if peaks.ambiguous > len(peaks.times):
        return NoAnswer(Refusal.AMBIGUOUS)
    if not len(peaks.times):
        return NoAnswer(Refusal.WEAK)
    line = _theil_sen(peaks.times, peaks.offsets)
    agree = np.abs(peaks.offsets - line(peaks.times)) <= 2 * width
    if 2 * agree.sum() <= len(agree) or peaks.evidence[agree].sum() < _EVIDENCE:
        return NoAnswer(Refusal.WEAK)
    events = np.unique(np.concatenate([few[low:high] for low, high in windows]))
    near = _near(many, few, windows, swapped, line, (_NEIGHBOURHOOD + 2) * width)
    rate = len(many) / max(int(many[-1] - many[0]), 1)
    reference, other = (near, events) if swapped else (events, near)
    clock = _refined(reference, other, swapped, line, width, rate)
    if isinstance(clock, NoAnswer) or abs(clock.drift_ppm) > max_drift or abs(clock.offset_us) > limit + width:
        return NoAnswer(Refusal.WEAK)
    return clock


def _windows(few: np.ndarray, many: np.ndarray, longest: int, limit: int) -> list[tuple[int, int]]:
    """Windows of events, spread evenly, as first and last but one index. Each is too short for a drift to blur it."""
    density = len(many) / max(many[-1] - many[0], 1) * 2 * limit
    affordable = int(_MOST_COMPARISONS / max(density, 1) / _WINDOWS)
    most = max(min(_WINDOW_EVENTS, affordable), _FEWEST_EVENTS)
    count = max(min(_WINDOWS, -(-len(few) // most)), 1)
    by_time = -(-int(few[-1] - few[0]) // longest)
    count = min(max(count, by_time), _WINDOWS)
    found = []
    for edge in np.linspace(0, len(few), count + 1).astype(int)[:-1]:
        high = int(np.searchsorted(few, few[edge] + longest, side="right"))
        high = min(high, int(edge) + most)
        if high - edge >= _FEWEST_EVENTS:
            found.append((int(edge), high))
    return found


def _peaks(few: np.ndarray, many: np.ndarray, windows: list[tuple[int, int]], width: int, limit: int) -> _Peaks:
    times, offsets, evidence = [], [], []
    ambiguous = 0
    bins = 2 * limit // width + 2
    for low, high in windows:
        counts = np.zeros(bins, np.int64)
        _differences(few[low:high], many, limit, width, counts)
        both = counts[:-1] + counts[1:]  # so that an edge between bins cuts no peak in halves
        best = int(both.argmax())
        height, noise = int(both[best]), max(both.mean(), 1e-9)
        # Chernoff's bound of a Poisson variable's tail, times the number of places where it could have been.
        surprise = height * math.log(max(height, 1e-9) / noise) - height + noise - math.log(bins)
        if height <= noise or surprise < _PEAK_EVIDENCE:
            continue
        elsewhere = both.copy()
        elsewhere[max(best - _RADIUS, 0) : best + _RADIUS + 1] = 0
        if elsewhere.max() - noise > _RIVAL * (height - noise):
            ambiguous += 1
            continue
        times.append((few[low] + few[high - 1]) // 2)
        offsets.append((best + 1.0) * width - limit)
        evidence.append(surprise)
    return _Peaks(np.array(times, np.int64), np.array(offsets), np.array(evidence), ambiguous)


@compiled
def _differences(few: np.ndarray, many: np.ndarray, limit: int, width: int, counts: np.ndarray) -> None:
    """Adds every difference many - few within the limit to the histogram `counts`, which starts at -limit."""
    scale = 1.0 / width
    first = 0
    for event in few:
        while first < len(many) and many[first] < event - limit:
            first += 1
        place = first
        while place < len(many) and many[place] <= event + limit:
            counts[int((many[place] - event + limit) * scale)] += 1
            place += 1


def _theil_sen(times: np.ndarray, offsets: np.ndarray) -> _Line:
    """The line of the median slope and the median distance."""
    origin = int((int(times.min()) + int(times.max())) // 2)
    since = (times - origin).astype(np.float64)
    one, other = np.triu_indices(len(times), 1)
    apart = since[other] - since[one]
    far = apart != 0
    slope = float(np.median((offsets[other] - offsets[one])[far] / apart[far])) if far.any() else 0.0
    return _Line(origin, float(np.median(offsets - slope * since)), slope)


def _near(
    many: np.ndarray, few: np.ndarray, windows: list[tuple[int, int]], swapped: bool, line: _Line, margin: int
) -> np.ndarray:
    """Those of the denser stream's events that the windows can have to do with, sorted."""
    edges = few[np.array(windows) - (0, 1)]
    expected = _mapped(edges, line) if swapped else edges + np.rint(line(edges)).astype(np.int64)
    low = np.searchsorted(many, expected[:, 0] - margin)
    high = np.searchsorted(many, expected[:, 1] + margin, side="right")
    return np.unique(np.concatenate([many[first:last] for first, last in zip(low, high, strict=True)]))


def _refined(
    reference: np.ndarray, other: np.ndarray, swapped: bool, line: _Line, width: int, rate: float
) -> Clock | NoAnswer:
    """The line through pairs, which are looked for along the line so far.

    Args:
        reference: int64 [n], those of its events that are looked at.
        other: int64 [m], likewise.
        swapped: the sparser stream is `other`.
        line: the line to begin with.
        width: how far from the truth it may be, about.
        rate: of the denser stream, events a microsecond.
    """
    spread = matched = 0.0
    tolerance = 2.0 * width
    looked_at = len(other if swapped else reference)
    for _ in range(_ROUNDS):
        mapped = _mapped(other, line)
        left, right = mutual_nearest(reference, mapped, math.ceil(tolerance))
        if len(left) < _FEWEST_EVENTS:
            return NoAnswer(Refusal.WEAK)
        matched = len(left) / looked_at
        blocks = np.array_split(np.arange(len(left)), max(min(_BLOCKS, len(left) // _BLOCK_PAIRS), 2))
        differences = (other[right] - reference[left]).astype(np.float64)
        rest = differences - line(reference[left])
        times = np.array([int(reference[left][block].mean()) for block in blocks], np.int64)
        correction = _theil_sen(times, np.array([np.median(rest[block]) for block in blocks]))
        before = line
        line = _Line(
            correction.origin,
            float(before(np.array([correction.origin]))[0]) + correction.at,
            before.slope + correction.slope,
        )
        rest = differences - line(reference[left])
        spread = _MAD_TO_SIGMA * float(np.median(np.abs(rest - np.median(rest))))
        shrunk = min(tolerance, max(_DEVIATIONS * spread, 1.0))
        if shrunk > 0.99 * tolerance and abs(correction.at) < 0.01 * max(spread, 1.0):
            break
        tolerance = shrunk
    line = _least_squares(reference[left], differences, line)
    if not _stands_out(reference, other, swapped, line, math.ceil(tolerance), _NEIGHBOURHOOD * width):
        return NoAnswer(Refusal.WEAK)
    by_chance = 1 - math.exp(-2 * tolerance * rate)
    ratio = matched / max(by_chance, 1e-12)
    evidence = looked_at * (matched * math.log(ratio) - matched + by_chance)  # Chernoff's bound again
    if ratio <= 1 or evidence < _EVIDENCE:
        return NoAnswer(Refusal.WEAK)
    since = (reference[left] - line.origin).astype(np.float64)
    return Clock(
        origin_us=line.origin,
        offset_us=line.at,
        drift_ppm=line.slope * 1e6,
        spread_us=spread,
        matched=matched,
        by_chance=by_chance,
        evidence=evidence,
        offset_error_us=spread / math.sqrt(len(left)),
        drift_error_ppm=spread / math.sqrt(since @ since) * 1e6,
    )


def _stands_out(
    reference: np.ndarray, other: np.ndarray, swapped: bool, line: _Line, tolerance: int, reach: int
) -> bool:
    """Whether differences pile up on the line and nowhere near it, as they would in streams that come in bursts.

    Times of real work come in bursts of bursts: where these are all that is common, differences thin out with the
    distance from the line as slowly at every scale, and even the nearest that are no pairs are half as many.
    """
    mapped = _mapped(other, line)
    few, many = (mapped, reference) if swapped else (reference, mapped)
    counts = np.zeros(2 * reach // tolerance + 2, np.int64)
    _differences(few, many, reach, tolerance, counts)
    both = counts[:-1] + counts[1:]
    noise, best = float(np.median(both)), int(both.argmax())
    elsewhere = both.copy()
    elsewhere[max(best - _RADIUS, 0) : best + _RADIUS + 1] = 0
    beside = max(both[: max(best - 1, 0)].max(initial=0), both[best + 2 :].max(initial=0))
    if beside > _BESIDE * both[best]:
        return False
    on_line = abs((best + 1) * tolerance - reach) <= 2 * tolerance
    return on_line and bool(elsewhere.max() - noise <= _RIVAL * (both[best] - noise))


def _least_squares(times: np.ndarray, offsets: np.ndarray, line: _Line) -> _Line:
    """The line of the least squared distances: a third less error than medians, once no pair is far from it."""
    rest = offsets - line(times)
    origin = round(float(times.mean()))
    since = (times - origin).astype(np.float64)
    slope = float(since @ rest / (since @ since))
    return _Line(origin, float(line(np.array([origin]))[0] + rest.mean()), line.slope + slope)


def _mapped(other: np.ndarray, line: _Line) -> np.ndarray:
    since = (other - line.origin).astype(np.float64)
    return line.origin + np.rint((since - line.at) / (1 + line.slope)).astype(np.int64)
