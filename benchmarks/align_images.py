"""The figure `align_images.recall_at_10`: texts found for images of emoji that the dual encoder never saw.

Held out are the splits eval and test of the default run's samples, which share no variant and no near duplicate with the
split train. The peer is chance: texts in random order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from benchmarks import emoji_samples
from benchmarks.contest import Contender, Reading, contest
from benchmarks.harness import Benchmark, Line, Options, compare, ratio
from components.dual_encoder.config import DualEncoderConfig
from schemas.config import to_json

FIGURE = "align_images.recall_at_10"
_QUICK_STEPS = 150
_SEEDS = 3
_PARTS = {
    "": "whole texts, variants among them",
    ".one_a_cluster": "one emoji of each cluster: no variant of a thing beside it",
    ".by_name": "names alone, variants among them; many bear the same name",
}


def recall(options: Options) -> Iterator[Line]:
    """The share of held-out images whose own text is among the ten nearest, for whole texts and harder ones."""
    config = DualEncoderConfig()
    if options.quick:
        config = dataclasses.replace(config, steps=_QUICK_STEPS)
    arguments = {"samples": str(emoji_samples.stored()), "config": to_json(config), "seed": options.seed}
    contender = Contender("benchmarks.workers.align_images", arguments)
    [ours] = contest([contender], runs=1 if options.quick else _SEEDS, cores=2)
    for part, what in _PARTS.items():

        def found(reading: Reading, part: str = part) -> float:
            return float(reading.value[part]["recall"])

        line = compare(FIGURE + part, ours, None, found, unit="share", note=f"{config.steps} steps a seed; {what}")
        if ours.readings:
            told = ours.readings[0].value[part]
            line = dataclasses.replace(
                line,
                peer=told["chance"],
                peer_name="chance",
                ratio=ratio(line.ours, told["chance"]),
                note=f"{line.note}; {told['pairs']} held-out pairs",
            )
        yield line


BENCHMARKS = (Benchmark(tuple(FIGURE + part for part in _PARTS), recall),)
