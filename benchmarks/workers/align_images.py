"""Ours: the dual encoder trained on the split train, and how well it finds the texts of images held out."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from benchmarks import worker
from components import process
from components.dual_encoder import encoder, pairs, retrieval
from components.dual_encoder.config import DualEncoderConfig
from components.dual_encoder.executor import NODE, PROCESS
from components.dual_encoder.pairs import Pairs
from schemas.config import from_json

_AT = 10


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Takes `samples` and `config`; each run trains with the next seed from `seed` on."""
    config = from_json(DualEncoderConfig, arguments["config"])
    held_out = [
        pairs.read(arguments["samples"], split, config.towers, limit=config.max_pairs) for split in ("eval", "test")
    ]
    every = Pairs.together(held_out)
    single = every.one_a_cluster()
    seeds = iter(range(arguments["seed"], arguments["seed"] + 1000))

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="headrace-bench-") as output:
            job = {
                "config": arguments["config"],
                "seed": next(seeds),
                "samples": arguments["samples"],
                "output": output,
            }
            process.run(PROCESS, job, node=NODE, environment={"KERAS_BACKEND": "tensorflow"})
            trained = encoder.load(pathlib.Path(output))
        parts = {
            "": (every, every.texts),
            ".one_a_cluster": (single, single.texts),
            ".by_name": (every, [text.splitlines()[0] for text in every.texts]),
        }
        return {
            part: {
                "recall": retrieval.recall(trained.encode_pixels(of.images), trained.encode_texts(texts), _AT),
                "chance": retrieval.chance(len(of), _AT),
                "pairs": len(of),
            }
            for part, (of, texts) in parts.items()
        }

    return work


if __name__ == "__main__":
    worker.serve(prepare)
