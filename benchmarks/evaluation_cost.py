"""The figure `evaluate.time`: what judging adds to predicting."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.contest import Contender, Reading, Standing, contest
from benchmarks.harness import Benchmark, Line, Options

FIGURE = "evaluate.time"
_EXAMPLES, _QUICK_EXAMPLES = 100_000, 20_000
_FEW = 50
_PREDICTIONS, _QUICK_PREDICTIONS = 1000, 200
_PER_SAMPLE = 2
"""Examples of one prediction: text and code."""


def _time(options: Options) -> Iterator[Line]:
    count, predictions = (_QUICK_EXAMPLES, _QUICK_PREDICTIONS) if options.quick else (_EXAMPLES, _PREDICTIONS)
    ours, start, loop = contest(
        [
            Contender("benchmarks.workers.evaluation", {"examples": count, "seed": options.seed}),
            Contender("benchmarks.workers.evaluation", {"examples": _FEW, "seed": options.seed}, name="TFMA's start"),
            Contender(
                "benchmarks.workers.litert_predictions",
                {"predictions": predictions, "seed": options.seed},
                name="LiteRT predictions alone",
            ),
        ],
        runs=1 if options.quick else 3,
    )
    why = "; ".join(f"{one.contender.name}: {one.why}" for one in (ours, start, loop) if one.why)
    if why:
        yield Line(FIGURE, None, "s", why=why)
        return

    def total(judging: Standing, of: str) -> float:
        def seconds(reading: Reading) -> float:
            return float(getattr(reading, of))

        return loop.median(seconds) / predictions * count / _PER_SAMPLE + judging.median(seconds)

    judging = [ours.median(), start.median()]
    peaks = [max(reading.peak_bytes for reading in standing.readings) / 1e9 for standing in (ours, start, loop)]
    yield Line(
        FIGURE,
        total(ours, "processor_s"),
        "s of processor time",
        peer=total(start, "processor_s"),
        ratio=total(start, "processor_s") / total(ours, "processor_s"),
        peer_name="predictions alone and TFMA's start",
        spread={"ours": sorted(reading.processor_s for reading in ours.readings)[:: max(1, len(ours.readings) - 1)]},
        runs=len(ours.readings),
        wall={"ours": total(ours, "wall_s"), "peer": total(start, "wall_s")},
        note=f"{count:,} examples, {ours.readings[0].value['slices']} slices, {ours.readings[0].value['verdicts']} verdicts; "
        f"judging alone {judging[0]:.1f} s, TFMA's start {judging[1]:.1f} s, {1000 * loop.median() / predictions:.1f} ms a "
        f"prediction, {predictions:,} timed; peak memory {peaks[0]:.2f} GB, at the start {peaks[1]:.2f} GB, of the "
        f"predictions {peaks[2]:.2f} GB; the spread is of judging alone",
    )


BENCHMARKS = (Benchmark((FIGURE,), _time),)
