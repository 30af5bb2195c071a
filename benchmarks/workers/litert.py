"""LiteRT: a model's `score_tokens` over and over, on one thread."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from ai_edge_litert import interpreter

from benchmarks import worker
from serving.litert import SIGNATURE

_WARM_UP_CALLS = 3


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads a model and warms up.

    Args:
        arguments: `model`, its file; `inputs`, an NPZ file of the signature's inputs, each of which has one more axis before
            all others, of calls; `calls` in a run; `items` that a call counts for.
    """
    call = interpreter.Interpreter(arguments["model"], num_threads=1).get_signature_runner(SIGNATURE)
    with np.load(arguments["inputs"]) as stored:
        columns = {name: stored[name] for name in stored.files}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    turns = itertools.cycle(rows)
    for _ in range(_WARM_UP_CALLS):
        call(**next(turns))

    def work() -> dict[str, Any]:
        for _ in range(arguments["calls"]):
            call(**next(turns))
        return {"items": arguments["calls"] * arguments["items"]}

    return work


if __name__ == "__main__":
    worker.serve(prepare, "ai-edge-litert")
