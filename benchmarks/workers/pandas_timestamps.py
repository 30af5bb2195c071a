"""pandas: `merge_asof` in the direction nearest, within a tolerance; of the clocks it knows nothing.

Three ways, by the argument `way`: `nearest`, each event of the other stream takes the nearest of the reference, as
documented; `true_clock`, the same with the true clock applied beforehand; `one_to_one`, both ways about, and those that
are nearest to each other, again with the true clock.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from benchmarks import timestamp_streams, worker

_US = 1_000_000


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the `streams`, of which each run takes the next; tells its F1 if asked to `judge`."""
    tolerance_us = round(arguments["tolerance_s"] * _US)
    every = [timestamp_streams.load(path) for path in arguments["streams"]]
    others = [streams.other if arguments["way"] == "nearest" else streams.corrected() for streams in every]
    frames = [
        (_frame(streams.reference, "reference"), _frame(other, "other"))
        for streams, other in zip(every, others, strict=True)
    ]
    join = _mutual if arguments["way"] == "one_to_one" else _nearest
    join(*frames[0], tolerance_us)
    rounds = itertools.cycle(zip(every, frames, strict=True))

    def work() -> dict[str, Any]:
        streams, (reference, other) = next(rounds)
        merged = join(reference, other, tolerance_us)
        told = {"items": len(reference) + len(other)}
        return told | ({"f1": streams.f1(*_taken(merged))} if arguments["judge"] else {})

    return work


def _frame(times: np.ndarray, name: str) -> pd.DataFrame:
    return pd.DataFrame({"time": times, name: np.arange(len(times))})


def _nearest(reference: pd.DataFrame, other: pd.DataFrame, tolerance_us: int) -> pd.DataFrame:
    return pd.merge_asof(other, reference, on="time", direction="nearest", tolerance=tolerance_us)


def _mutual(reference: pd.DataFrame, other: pd.DataFrame, tolerance_us: int) -> pd.DataFrame:
    merged = _nearest(reference, other, tolerance_us)
    back = _nearest(other, reference, tolerance_us)["other"].fillna(-1).to_numpy(np.int64)
    taken = merged["reference"].fillna(-1).to_numpy(np.int64)
    return merged[(taken >= 0) & (back[taken] == merged["other"].to_numpy())]


def _taken(merged: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    found = merged.dropna(subset=["reference"])
    return found["reference"].to_numpy(np.int64), found["other"].to_numpy(np.int64)


if __name__ == "__main__":
    worker.serve(prepare, "pandas")
