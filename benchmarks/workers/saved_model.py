"""TensorFlow: a SavedModel's `score_tokens` over and over, on one thread."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import worker
from serving.litert import SIGNATURE

_WARM_UP_CALLS = 5


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads a model and warms up; `arguments` as `benchmarks.workers.litert` has them."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded = tf.saved_model.load(arguments["model"])
    call = loaded.signatures[SIGNATURE]
    with np.load(arguments["inputs"]) as stored:
        columns = {name: [tf.constant(value) for value in stored[name]] for name in stored.files}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    turns = itertools.cycle(rows)
    for _ in range(_WARM_UP_CALLS):
        call(**next(turns))

    def work() -> dict[str, Any]:
        for _ in range(arguments["calls"]):
            call(**next(turns))
        assert loaded is not None  # holds the weights
        return {"items": arguments["calls"] * arguments["items"]}

    return work


if __name__ == "__main__":
    worker.serve(prepare, "tensorflow")
