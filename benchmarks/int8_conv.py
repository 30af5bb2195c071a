"""The figures `int8.conv_*` and `fusion.conv_latency`: a small residual network on real images, full-integer int8 beside
float on LiteRT, and its batch normalisations folded or not in TensorFlow; one thread, processor time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from benchmarks import harness, made_models
from benchmarks.contest import contest
from benchmarks.conv_case import QUICK, Case
from benchmarks.harness import Benchmark, Line, Options
from benchmarks.made_models import FLOAT, INT8, PEER, Made

SIZE, SPEED, DROP = "int8.conv_size", "int8.conv_speed", "int8.conv_accuracy_drop"
FUSION = "fusion.conv_latency"
_LEAST_SIZE, _LEAST_SPEED, _MOST_POINTS = 3.6, 3.5, 0.8
_CALLS, _QUICK_CALLS = 200, 100
_RUNS, _QUICK_RUNS = 9, 5


def _figures(options: Options) -> Iterator[Line]:
    case = QUICK if options.quick else Case()
    job = {"case": dataclasses.asdict(case), "seed": options.seed}
    models = made_models.made("conv_models", job, sources=["benchmarks.conv_case"])
    facts = models.facts
    about = f"{facts['parameters']:,} weights, images of {case.size} squared"
    if options.wants(SIZE):
        yield made_models.judged(made_models.size_line(SIZE, models, note=about), least=_LEAST_SIZE)
    if options.wants(SPEED):
        line = _contest(options, SPEED, models, (INT8, "headrace"), (FLOAT, PEER), "litert", note=about)
        yield made_models.judged(line, least=_LEAST_SPEED)
    if options.wants(DROP):
        before, after = (facts["accuracy"][name] for name in ("float", "int8"))
        note = f"accuracy {before:.4f} to {after:.4f} on {facts['held_out']:,} held-out images, {about}"
        line = Line(DROP, 100 * (before - after), "points", peer_name=PEER, why="the loss against the peer", note=note)
        yield made_models.judged(line, most=_MOST_POINTS)
    if options.wants(FUSION):
        apart = f"outputs at most {facts['fused_apart']:.1e} of the largest apart, {about}"
        names = ("fused", "headrace"), ("plain", "SavedModel as trained")
        yield _contest(options, FUSION, models, *names, "saved_model", note=apart)


def _contest(
    options: Options,
    figure: str,
    models: Made,
    ours: tuple[str, str],
    peer: tuple[str, str],
    module: str,
    *,
    note: str,
) -> Line:
    calls, runs = (_QUICK_CALLS, _QUICK_RUNS) if options.quick else (_CALLS, _RUNS)
    contenders = [models.timed(file, calls=calls, name=name, module=module) for file, name in (ours, peer)]
    first, second = contest(contenders, runs=runs)
    return harness.rate(figure, first, second, unit="images/s", note=f"one image a call, {note}")


BENCHMARKS = (Benchmark((SIZE, SPEED, DROP, FUSION), _figures),)
