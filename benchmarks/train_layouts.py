"""The figures `scaling.*` and `communication*`: the same training over devices and processes of one machine."""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
import tempfile
from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks import harness, train_rates
from benchmarks.contest import Contender, Reading, Standing, contest
from benchmarks.gpt_case import Case
from benchmarks.harness import Benchmark, Line, Options
from benchmarks.train_rates import CORES, UNIT, tokens_per_s

DIFFERENCE = "scaling.replica_difference"
COMMUNICATION, SHARE = "communication", "communication.share"
ONE = "one device"
LAYOUTS = {"mirrored_2": 2, "mirrored_4": 4}
WORKERS = "workers_2"
_WORKERS = 2
_PROCESSES = "benchmarks.workers.training_workers"
_SUMS = "benchmarks.workers.gradient_sums"


def _scaling(options: Options) -> Iterator[Line]:
    case = train_rates.case_of(options)
    names = [*LAYOUTS, WORKERS]
    if not options.wants(DIFFERENCE):
        names = [name for name in names if options.wants(f"scaling.{name}")]
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        contenders = _contenders(case, options.seed, pathlib.Path(folder), names, accumulates=options.wants(DIFFERENCE))
        runs = case.runs if any(options.wants(f"scaling.{name}") for name in names) else 1
        standings = dict(zip(contenders, contest(list(contenders.values()), runs=runs, cores=CORES), strict=True))
        if options.wants(DIFFERENCE):
            yield _difference(pathlib.Path(folder), standings, case)
    for name in names:
        line = harness.compare(f"scaling.{name}", standings[name], standings[ONE], tokens_per_s, unit=UNIT)
        note = f"a second of processor time: {train_rates.per_core(standings[name])}, "
        yield dataclasses.replace(line, note=note + train_rates.per_core(standings[ONE]))


def _contenders(
    case: Case, seed: int, folder: pathlib.Path, names: list[str], *, accumulates: bool
) -> dict[str, Contender]:
    """One device, and the other layouts by name."""

    def layout(name: str, case: Case = case, **training: str | int) -> Contender:
        return train_rates.ours(case, seed, weights=str(folder / f"{name}.npz"), name=name, **training)  # type: ignore[arg-type]

    contenders = {ONE: layout(ONE)}
    for name in names:
        if name == WORKERS:
            contenders[name] = layout(name, workers=_WORKERS)
        else:
            contenders[name] = layout(name, strategy="mirrored", devices=LAYOUTS[name])
    if accumulates:
        # As many rows an update, half of them at once.
        contenders["accumulate"] = layout("accumulate", batch_size=case.batch // 2, accumulate_steps=2)
    return contenders


def _difference(folder: pathlib.Path, standings: Mapping[str, Standing], case: Case) -> Line:
    """The largest relative difference of any layout's weights to one device's."""
    failed = "; ".join(f"{name}: {standing.why}" for name, standing in standings.items() if standing.why)
    if failed:
        return Line(DIFFERENCE, None, "relative", why=failed)
    found = {
        name: relative_difference(np.load(folder / f"{name}.npz"), np.load(folder / f"{ONE}.npz"))
        for name in standings
        if name != ONE
    }
    note = f"after {case.compared_steps + 1} steps: " + ", ".join(
        f"{name} {apart:.1e}" for name, apart in found.items()
    )
    return Line(DIFFERENCE, max(found.values()), "relative", why="compared with our own on one device", note=note)


def relative_difference(weights: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> float:
    """The length of the difference of all weights, as a share of the length of all weights."""
    return _norm({name: weights[name] - other for name, other in others.items()}) / _norm(others)


def _norm(values: Mapping[str, np.ndarray]) -> float:
    return math.sqrt(sum(float(np.square(value, dtype=np.float64).sum()) for value in values.values()))


def _communication(options: Options) -> Iterator[Line]:
    case = train_rates.case_of(options)
    told = {"case": vars(case), "workers": _WORKERS, "module": _SUMS}
    ring, gathered = (
        Contender(_PROCESSES, {**told, "way": way}, name=name)
        for way, name in (("ring", "headrace"), ("gathered", "gather and broadcast"))
    )
    contenders = [ring, gathered]
    if options.wants(SHARE):
        contenders.append(train_rates.ours(case, options.seed, name=WORKERS, workers=_WORKERS))
    ring_standing, gathered_standing, *training = contest(contenders, runs=case.runs, cores=CORES)
    if options.wants(COMMUNICATION):
        line = harness.compare(
            COMMUNICATION, ring_standing, gathered_standing, sum_ms, unit="ms a sum", more_is_better=False
        )
        held = ring_standing.readings[0].value["bytes"] / 1e6 if ring_standing.readings else 0.0
        yield dataclasses.replace(
            line, note=f"{held:.1f} MB of gradients over {_WORKERS} processes, both by TensorFlow's gRPC"
        )
    if training:
        yield _share(ring_standing, training[0], case)


def sum_ms(reading: Reading) -> float:
    """Milliseconds to sum all gradients once."""
    return 1000 * reading.wall_s / float(reading.value["items"])


def _share(ring: Standing, training: Standing, case: Case) -> Line:
    failed = "; ".join(standing.why for standing in (ring, training) if standing.why)
    if failed:
        return Line(SHARE, None, "share of a step", why=failed)
    step_ms = training.median(functools.partial(_step_ms, case))
    alone_ms = ring.median(sum_ms)
    note = f"{alone_ms:.0f} ms a sum, measured apart, of {step_ms:.0f} ms a step with {_WORKERS} workers"
    return Line(SHARE, alone_ms / step_ms, "share of a step", why="of our own step", runs=len(ring.readings), note=note)


def _step_ms(case: Case, reading: Reading) -> float:
    return 1000 * reading.wall_s / case.timed_steps


BENCHMARKS = (
    Benchmark((DIFFERENCE, *(f"scaling.{name}" for name in (*LAYOUTS, WORKERS))), _scaling),
    Benchmark((COMMUNICATION, SHARE), _communication),
)
