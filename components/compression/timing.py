"""How fast LiteRT models answer, and how much memory that takes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator, Sequence

import numpy as np

from components.compression.report import Latency
from schemas import progress
from serving.litert import Request, Runner
from serving.manifest import LITERT_FILE

_WARM_UP_RUNS = 5


def latencies(
    directories: Sequence[pathlib.Path], requests: Sequence[Request], *, runs: int, node: str
) -> list[tuple[Latency, ...]]:
    """How fast each model answers, by bucket, the longest first.

    The models take turns, so that whatever else the machine does hits all; and the order is turned around each time,
    since one leaves the caches as the next finds them.

    Args:
        directories: of the models; all have the same buckets.
        requests: answered one after the other, each cut to the bucket.
        runs: calls of each model in each bucket.
    """
    runners = [Runner(directory / LITERT_FILE) for directory in directories]
    buckets = runners[0].buckets
    found: list[list[Latency]] = [[] for _ in runners]
    progress.start(node, "measuring latency", total=runs * len(buckets), unit="runs")
    with _on_one_core():
        for bucket in buckets:
            for of_model, latency in zip(
                found, _bucket(runners, [request.cut(bucket) for request in requests], bucket, runs, node), strict=True
            ):
                of_model.append(latency)
    return [tuple(of_model) for of_model in found]


def _bucket(
    runners: Sequence[Runner], requests: Sequence[Request], bucket: int, runs: int, node: str
) -> Iterator[Latency]:
    wall_ms, processor_ms = (np.zeros((runs, len(runners))) for _ in range(2))
    for run in range(-_WARM_UP_RUNS, runs):
        turn = range(len(runners)) if run % 2 else reversed(range(len(runners)))
        for which in turn:
            request = requests[run % len(requests)]
            wall, processor = time.perf_counter(), time.thread_time()
            runners[which](request)
            if run >= 0:
                processor_ms[run, which] = (time.thread_time() - processor) * 1000
                wall_ms[run, which] = (time.perf_counter() - wall) * 1000
        if run >= 0:
            progress.advance(node)
    wall_p, processor_p = (np.percentile(times, (50, 99), axis=0) for times in (wall_ms, processor_ms))
    for which in range(len(runners)):
        yield Latency(bucket, 1, runs, *map(float, (*wall_p[:, which], *processor_p[:, which])))


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Keeps the calling thread on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
