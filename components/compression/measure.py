"""Sizes, speed and quality of two LiteRT models of the same weights, side by side. No TensorFlow here."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence

import numpy as np

from components.compression.report import Latency, Loss, Size
from components.evaluation.held_out import HeldOut
from components.evaluation.scoring import bits_per_byte, score_all
from schemas import progress
from serving import litert
from serving.manifest import LITERT_FILE, Manifest
from serving.model import load

_WARM_UP_RUNS = 5
_DISTINCT_REQUESTS = 16


def sizes(saved_model: pathlib.Path, float_model: pathlib.Path, compressed: pathlib.Path) -> Size:
    """How much each takes on disk; the arguments are model directories."""
    whole = sum(path.stat().st_size for path in saved_model.rglob("*") if path.is_file())
    float_bytes = (float_model / LITERT_FILE).stat().st_size
    compressed_bytes = (compressed / LITERT_FILE).stat().st_size
    return Size(whole, float_bytes, compressed_bytes, float_bytes / compressed_bytes)


def latency(
    float_model: pathlib.Path, compressed: pathlib.Path, samples: Sequence[HeldOut], *, runs: int, node: str
) -> Latency:
    """How fast each answers, on one thread. The two take turns, so that whatever else the machine does hits both."""
    encoder = litert.Encoder(compressed, Manifest.read(compressed))
    requests = [encoder.encode(sample.instance) for sample in samples[:_DISTINCT_REQUESTS]]
    runners = [litert.Runner(directory / LITERT_FILE) for directory in (float_model, compressed)]
    times_ms = np.zeros((runs, len(runners)))
    progress.start(node, "measuring latency", total=runs, unit="runs")
    for run in range(-_WARM_UP_RUNS, runs):
        for which, runner in enumerate(runners):
            started = time.perf_counter()
            runner(requests[run % len(requests)])
            if run >= 0:
                times_ms[run, which] = (time.perf_counter() - started) * 1000
        progress.update(node, max(run + 1, 0))
    (float_p50, compressed_p50), (float_p95, compressed_p95) = np.percentile(times_ms, (50, 95), axis=0).tolist()
    return Latency(runs, float_p50, float_p95, compressed_p50, compressed_p95, float_p50 / compressed_p50)


def loss(
    float_model: pathlib.Path, compressed: pathlib.Path, samples: Sequence[HeldOut], *, threads: int, node: str
) -> Loss:
    """How well each predicts the samples."""
    answers = []
    for name, directory in (("float", float_model), ("compressed", compressed)):
        progress.start(node, f"measuring loss, {name}", total=len(samples), unit="samples")
        answers.append(score_all(load(directory, threads=threads), samples, node=node))
    before, after = map(bits_per_byte, answers)
    size = sum(score.text_bytes + score.code_bytes for score in answers[0])
    return Loss(len(samples), size, before, after, after - before)
