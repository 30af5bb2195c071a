"""The figures of `align_timestamps` and `align_growth.timestamps`: what is joined by time, how fast, how exact the clock.

Unless a line says otherwise: 30% of the events are missing from the second stream, 10% of its own are added, its clock is
4.2 s ahead and gains 40 ppm, its times vary by 5 ms, and the reference has an event a second on average.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import growth_chart, real_times, timestamp_streams
from benchmarks.contest import Contender, Reading, contest
from benchmarks.corpus import CACHE
from benchmarks.harness import Benchmark, Line, Options, compare, rate
from benchmarks.timestamp_streams import START_US, Streams
from components.alignment.clocks import Clock, NoAnswer
from components.alignment.config import TimestampJoin
from components.alignment.pairing import pair
from schemas.config import to_json

CHART = CACHE / "align_growth_timestamps.svg"
_OFFSET_US, _DRIFT_PPM = 4.2e6, 40.0
_JITTERS_US = {"": 5e3, ".jitter_20ms": 20e3}
_EVENTS = 20_000
_MILLION = 1_000_000
_GROWTH = (10_000, 100_000, _MILLION)
_RANDOM_CLOCKS = 240
_SIZES = (100, 300, 1_000, 3_000)  # of the streams with random clocks, in turn
_UNIT = "records/s"
_CONFIG = TimestampJoin(reference="reference")
# Any environment of the peers that has pandas; this one locks a newer version than the product's own.
_PANDAS = "pandas"
_PANDAS_NAMES = {
    "nearest": "pandas merge_asof (nearest, offset unknown)",
    "true_clock": "pandas merge_asof (nearest, given the true clock)",
    "one_to_one": "pandas merge_asof (both ways, given the true clock)",
}
_WITHIN_A_DAY = dataclasses.replace(_CONFIG, max_offset_s=86_400.0)
_REAL_OFFSET_US = 3 * 3600e6  # as of a clock in another time zone
_REAL_JITTERS_US = {"commits": 1e6, "package_changes": 60e6}
_REAL_GAPS_S = (1.0, 60.0, 600.0, 3600.0)
_PERIODS_S = (1, 7, 30)
_RIGHT, _WRONG, _REFUSED = "right", "wrong", "refused"
_WRONG_IS = "wrong is an answer that is anywhere off by more than one standard deviation of the jitter"


def headrace(
    streams: Sequence[pathlib.Path],
    config: TimestampJoin = _CONFIG,
    *,
    alone: bool = False,
    judge: bool = False,
    name: str = "headrace",
) -> Contender:
    """Ours on stored streams."""
    arguments = {
        "streams": [str(path) for path in streams],
        "config": to_json(config),
        "alone": alone,
        "judge": judge,
    }
    return Contender("benchmarks.workers.timestamps", arguments, name=name)


def pandas(streams: Sequence[pathlib.Path], way: str, tolerance_us: float, *, judge: bool = False) -> Contender:
    """pandas on stored streams; `way` is one of its worker's."""
    arguments = {
        "streams": [str(path) for path in streams],
        "way": way,
        "tolerance_s": tolerance_us / 1e6,
        "judge": judge,
    }
    return Contender("benchmarks.workers.pandas_timestamps", arguments, _PANDAS, _PANDAS_NAMES[way])


def accuracy(options: Options) -> Iterator[Line]:
    """F1 beside pandas, which is not told the offset; and beside matchers that are given the true clock."""
    for part, jitter_us in _JITTERS_US.items():
        made = [_made_up(_EVENTS, options.seed + run, jitter_us) for run in range(2 if options.quick else 5)]
        yield from _f1(
            f"align_timestamps.f1{part}", made, _CONFIG, 3 * jitter_us, f"{_EVENTS:,} events in the reference"
        )


def speed(options: Options) -> Iterator[Line]:
    """Records of both streams, a million each, that are joined in a second on one core."""
    figure = "align_timestamps.records_per_s"
    given = _given(15e3)
    nearest = dataclasses.replace(given, how="nearest")
    with _stored([_of_one_length(_MILLION, options.seed)]) as paths:
        standings = contest(
            [
                headrace(paths),
                headrace(paths, given),
                headrace(paths, given, alone=True),
                headrace(paths, nearest, alone=True),
                pandas(paths, "true_clock", 15e3),
                pandas(paths, "one_to_one", 15e3),
            ],
            runs=3 if options.quick else 7,
        )
    whole, paired, joined, taken, asof, mutual = standings
    yield rate(
        figure, whole, asof, unit=_UNIT, note="ours estimates the clock, scores pairs, names rivals; pandas none"
    )
    yield rate(f"{figure}.true_clock", paired, asof, unit=_UNIT, note="the same, the clock given to both")
    yield rate(f"{figure}.one_to_one", joined, mutual, unit=_UNIT, note="the join alone, same pairs")
    yield rate(f"{figure}.nearest", taken, asof, unit=_UNIT, note="the join alone, each its nearest")


def clock_error(options: Options) -> Iterator[Line]:
    """How exact the clock is; what random clocks get for an answer; whether periodic streams are refused."""
    figure = "align_timestamps.offset_error"
    for part, jitter_us in _JITTERS_US.items():
        made = [_made_up(_EVENTS, options.seed + run, jitter_us) for run in range(3 if options.quick else 10)]
        yield from _errors(figure, part, made, _CONFIG, f"{_EVENTS:,} events in the reference")
    verdicts = [_verdict(streams, jitter_us) for streams, jitter_us in _random_clocks(options.seed)]
    note = f"of {len(verdicts)} streams of {_SIZES[0]} to {_SIZES[-1]:,} events, random offsets and drifts"
    yield _alone(f"{figure}.wrong_answers", [verdicts.count(_WRONG)], "answers", f"{note}; {_WRONG_IS}")
    yield _alone(f"{figure}.abstentions", [verdicts.count(_REFUSED)], "refusals", note)
    periodic = [_verdict(streams, jitter_us) for streams, jitter_us in _periodic(options.seed)]
    note = f"of {len(periodic)} periodic streams"
    yield _alone(f"{figure}.periodic_refused", [periodic.count(_REFUSED) / len(periodic)], "share", note)


def growth(options: Options) -> Iterator[Line]:
    """Time and memory where both streams have 10,000, 100,000 and 1,000,000 records, and a chart of them."""
    points = []
    for count in _GROWTH:
        with _stored([_of_one_length(count, options.seed)]) as paths:
            [ours] = contest([headrace(paths)], runs=3 if options.quick else 7)
        figure = f"align_growth.timestamps.{count}"
        yield rate(figure, ours, None, unit=_UNIT, why="ours alone", note=f"{count:,} records a stream")
        yield compare(
            f"{figure}.peak_memory", ours, None, _gigabytes, unit="GB", more_is_better=False, why="ours alone"
        )
        if ours.readings:
            peak = max(reading.peak_bytes for reading in ours.readings)
            points.append(growth_chart.Point(count, ours.median(), peak))
    if points:
        CHART.parent.mkdir(parents=True, exist_ok=True)
        CHART.write_text(growth_chart.draw(points, "records a stream"))


def real(options: Options) -> Iterator[Line]:
    """Streams derived from real times as they are, and closer together."""
    runs = 3 if options.quick else 10
    for name, times in (("commits", real_times.commits()), ("package_changes", real_times.package_changes())):
        figure = f"align_timestamps.real.{name}"
        if times is None:
            yield Line(figure, None, "F1", why="there are none on this machine")
            continue
        made = [_derived(times, options.seed + run, _REAL_OFFSET_US, _REAL_JITTERS_US[name]) for run in range(runs)]
        note = (
            f"{len(times):,} times, {len(np.unique(times)):,} different, {_mean_gap_s(times):,.0f} s apart on average; "
            f"offset 3 h, jitter {_REAL_JITTERS_US[name] / 1e6:g} s, looked for within a day"
        )
        yield from _f1(figure, made, _WITHIN_A_DAY, 3 * _REAL_JITTERS_US[name], note)
        yield from _errors(f"{figure}.offset_error", "", made, _WITHIN_A_DAY, note)
        yield from _densities(figure, times, range(options.seed, options.seed + runs))


def _densities(figure: str, times: np.ndarray, seeds: Sequence[int]) -> Iterator[Line]:
    """What the clocks get for an answer where the times are closer together; none may be wrong."""
    wrong = unrelated = 0
    for gap_s in _REAL_GAPS_S:
        closer = real_times.with_mean_gap(times, gap_s)
        verdicts = [_verdict(_derived(closer, seed, _OFFSET_US, 5e3), 5e3) for seed in seeds]
        wrong += verdicts.count(_WRONG)
        unrelated += sum(_verdict(_unrelated(closer, seed), 5e3) != _REFUSED for seed in seeds)
        right = verdicts.count(_RIGHT) / len(verdicts)
        note = f"of {len(verdicts)} that are told rightly; {gap_s:g} s apart on average, offset 4.2 s, within a minute"
        yield _alone(f"{figure}.gap_{gap_s:g}s", [right], "share", note)
    asked = len(seeds) * len(_REAL_GAPS_S)
    yield _alone(f"{figure}.wrong_answers", [wrong], "answers", f"of {asked}, at all these densities; {_WRONG_IS}")
    note = f"of {asked}, at all these densities: halves that share bursts but no event, to be refused"
    yield _alone(f"{figure}.unrelated_answers", [unrelated], "answers", note)


def _f1(figure: str, made: Sequence[Streams], config: TimestampJoin, tolerance_us: float, note: str) -> Iterator[Line]:
    with _stored(made) as paths:
        ours, given, nearest, true_clock = contest(
            [
                headrace(paths, config, judge=True),
                headrace(paths, _given(tolerance_us), judge=True, name="Headrace given the true clock"),
                pandas(paths, "nearest", tolerance_us, judge=True),
                pandas(paths, "true_clock", tolerance_us, judge=True),
            ],
            runs=len(made),
        )
    for part, peer in (("", nearest), (".true_clock", given), (".pandas_true_clock", true_clock)):
        yield compare(figure + part, ours, peer, _f1_of, unit="F1", note=note)


def _errors(figure: str, part: str, made: Sequence[Streams], config: TimestampJoin, note: str) -> Iterator[Line]:
    found = [(streams, clock) for streams in made if (clock := _clock(streams, config)) is not None]
    note = f"worst of the reference's span; {note}"
    offsets = [_offset_error_us(streams, clock) / 1e3 for streams, clock in found]
    yield _alone(figure + part, offsets, "ms", note)
    yield _alone(f"{figure}.drift{part}", [abs(clock.drift_ppm - of.drift_ppm) for of, clock in found], "ppm", note)


def _verdict(streams: Streams, jitter_us: float) -> str:
    clock = _clock(streams, _CONFIG)
    if clock is None:
        return _REFUSED
    related = bool((streams.partner >= 0).any())
    return _RIGHT if related and _offset_error_us(streams, clock) <= jitter_us else _WRONG


def _clock(streams: Streams, config: TimestampJoin) -> Clock | None:
    answer = pair(streams.reference, streams.other, config)
    return None if isinstance(answer, NoAnswer) else answer.clock


def _offset_error_us(streams: Streams, clock: Clock) -> float:
    ends = (int(streams.reference[0]), int(streams.reference[-1]))
    return max(abs(clock.offset_at(end) - streams.offset_at(end)) for end in ends)


def _made_up(events: int, seed: int, jitter_us: float) -> Streams:
    generator = np.random.default_rng(seed)
    reference = timestamp_streams.random_events(generator, events)
    return timestamp_streams.derived(
        reference, generator, offset_us=_OFFSET_US, drift_ppm=_DRIFT_PPM, jitter_us=jitter_us
    )


def _of_one_length(count: int, seed: int) -> Streams:
    """Streams of which each has `count` records."""
    streams = _made_up(round(1.35 * count), seed, 5e3)
    return dataclasses.replace(
        streams,
        reference=streams.reference[:count],
        other=streams.other[:count],
        partner=np.where(streams.partner < count, streams.partner, -1)[:count],
    )


def _random_clocks(seed: int) -> Iterator[tuple[Streams, float]]:
    jitters_us = tuple(_JITTERS_US.values())
    for number in range(_RANDOM_CLOCKS):
        generator = np.random.default_rng([seed, number])
        reference = timestamp_streams.random_events(generator, _SIZES[number % len(_SIZES)])
        jitter_us = jitters_us[number // len(_SIZES) % len(jitters_us)]
        offset_us, drift_ppm = generator.uniform(-50e6, 50e6), generator.uniform(-150, 150)
        streams = timestamp_streams.derived(
            reference, generator, offset_us=offset_us, drift_ppm=drift_ppm, jitter_us=jitter_us
        )
        yield streams, jitter_us


def _periodic(seed: int) -> Iterator[tuple[Streams, float]]:
    for period_s in _PERIODS_S:
        for jitter_us in _JITTERS_US.values():
            reference = START_US + np.arange(2_000) * period_s * 1_000_000
            generator = np.random.default_rng([seed, period_s])
            yield timestamp_streams.derived(reference, generator, offset_us=_OFFSET_US, jitter_us=jitter_us), jitter_us


def _derived(times: np.ndarray, seed: int, offset_us: float, jitter_us: float) -> Streams:
    generator = np.random.default_rng(seed)
    return timestamp_streams.derived(times, generator, offset_us=offset_us, drift_ppm=_DRIFT_PPM, jitter_us=jitter_us)


def _unrelated(times: np.ndarray, seed: int) -> Streams:
    """Times dealt to two streams, each to one of them."""
    dealt = np.random.default_rng(seed).random(len(times)) < 0.5
    return Streams(times[dealt], times[~dealt], np.full(int((~dealt).sum()), -1), 0.0, 0.0)


def _mean_gap_s(times: np.ndarray) -> float:
    return float(times[-1] - times[0]) / 1e6 / (len(times) - 1)


def _given(tolerance_us: float) -> TimestampJoin:
    """The join where the clocks agree."""
    return dataclasses.replace(_CONFIG, estimate_clock=False, tolerance_s=tolerance_us / 1e6)


@contextlib.contextmanager
def _stored(made: Sequence[Streams]) -> Iterator[list[pathlib.Path]]:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        paths = [pathlib.Path(folder, f"{number}.npz") for number in range(len(made))]
        for streams, path in zip(made, paths, strict=True):
            timestamp_streams.save(streams, path)
        yield paths


def _alone(figure: str, values: Sequence[float], unit: str, note: str) -> Line:
    """A figure without a peer: the median, and the lowest and the highest."""
    if not values:
        return Line(figure, None, unit, why="no answer", note=note)
    spread = {"ours": [float(min(values)), float(max(values))]}
    median = float(np.median(values))
    return Line(figure, median, unit, spread=spread, runs=len(values), why="no peer estimates a clock", note=note)


def _f1_of(reading: Reading) -> float:
    return float(reading.value["f1"])


def _gigabytes(reading: Reading) -> float:
    return reading.peak_bytes / 1e9


BENCHMARKS = (
    Benchmark(("align_timestamps.f1",), accuracy),
    Benchmark(("align_timestamps.records_per_s",), speed),
    Benchmark(("align_timestamps.offset_error",), clock_error),
    Benchmark(("align_timestamps.real",), real),
    Benchmark(("align_growth.timestamps",), growth),
)
