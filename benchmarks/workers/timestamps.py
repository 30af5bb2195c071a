"""Ours: two streams of times, their clocks related or known, and what belongs together."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from benchmarks import timestamp_streams, worker
from components.alignment import timestamps
from components.alignment.clocks import NoAnswer
from components.alignment.config import TimestampJoin
from components.alignment.pairing import pair
from schemas.config import from_json

_US = 1_000_000


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the `streams`, of which each run takes the next; tells its F1 if asked to `judge`.

    `config` is a `TimestampJoin`. Where its `estimate_clock` is false, the true clock is applied beforehand. With
    `alone` the join is done without what Align says about it besides: scores and rivals.
    """
    config = from_json(TimestampJoin, arguments["config"])
    every = [timestamp_streams.load(path) for path in arguments["streams"]]
    others = [streams.other if config.estimate_clock else streams.corrected() for streams in every]
    join = _joined_alone if arguments["alone"] else _paired
    join(every[0].reference, others[0], config)
    rounds = itertools.cycle(zip(every, others, strict=True))

    def work() -> dict[str, Any]:
        streams, other = next(rounds)
        found = join(streams.reference, other, config)
        told = {"items": len(streams.reference) + len(streams.other)}
        return told | ({"f1": streams.f1(*found)} if arguments["judge"] else {})

    return work


def _paired(reference: np.ndarray, other: np.ndarray, config: TimestampJoin) -> tuple[np.ndarray, np.ndarray]:
    found = pair(reference, other, config)
    if isinstance(found, NoAnswer):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return found.pairs.reference, found.pairs.other


def _joined_alone(reference: np.ndarray, other: np.ndarray, config: TimestampJoin) -> tuple[np.ndarray, np.ndarray]:
    assert config.tolerance_s is not None
    tolerance_us = round(config.tolerance_s * _US)
    pairs = timestamps.join(reference, other, tolerance_us=tolerance_us, how=timestamps.How(config.how))
    return pairs.reference, pairs.other


if __name__ == "__main__":
    worker.serve(prepare)
