"""The figures `train_tokens.*`: tokens a second of one decoder, from the same weights, along the same loss curve."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.contest import Contender, Reading, Standing, contest
from benchmarks.gpt_case import Case
from benchmarks.harness import Benchmark, Line, Options

FIGURE = "train_tokens"
KERAS, PRODUCTS, HALF = f"{FIGURE}.keras_fit", f"{FIGURE}.matmul_share", f"{FIGURE}.bfloat16"
CORES = 2
UNIT = "tokens/s"
QUICK = Case(
    **{"vocabulary": 512, "tokens": 32, "width": 64, "depth": 2, "heads": 4},
    **{"compared_steps": 5, "timed_steps": 5, "runs": 3},
)


def case_of(options: Options, **changes: Any) -> Case:
    """What is trained: the real case, or a small one."""
    return Case(**{**vars(QUICK if options.quick else Case()), **changes})


def ours(
    case: Case, seed: int, *, folder: str = "", weights: str = "", name: str = "", workers: int = 1, **training: Any
) -> Contender:
    """Our Trainer.

    Args:
        case: what is trained.
        seed: of weights and data.
        folder: where to put what the peers start from.
        weights: a file for the weights after the compared steps.
        name: what it is called; as ours if empty.
        workers: how many processes.
        **training: whatever else its section of the configuration says.
    """
    if workers > 1:
        training |= {"strategy": "multi_worker", "workers": workers}
    arguments: dict[str, Any] = {"case": vars(case), "seed": seed, "folder": folder, "weights": weights}
    arguments |= {"training": training, "workers": workers}
    module = "benchmarks.workers.training" + ("_workers" if workers > 1 else "")
    return Contender(module, arguments, **({"name": name} if name else {}))


def tokens_per_s(reading: Reading) -> float:
    """By the clock."""
    return float(reading.value["items"]) / reading.wall_s


def per_core(standing: Standing) -> str:
    """Tokens a second of processor time, in words: what a busy machine disturbs less."""
    if not standing.readings:
        return f"{standing.contender.name} did not run"
    rate = standing.median(lambda reading: float(reading.value["items"]) / reading.processor_s)
    return f"{standing.contender.name} {rate:,.0f}"


def _rates(options: Options) -> Iterator[Line]:
    case = case_of(options)
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name:
        told = {"case": vars(case), "folder": name}
        contenders = {"ours": ours(case, options.seed, folder=name)}
        if options.wants(FIGURE):
            for way in ("eager", "compiled"):
                contenders[way] = Contender(
                    "benchmarks.workers.torch_training",
                    {**told, "compiled": way == "compiled"},
                    "torch",
                    f"PyTorch {way}",
                )
        if options.wants(KERAS):
            contenders["keras"] = Contender("benchmarks.workers.keras_training", told, None, "Keras fit, jit_compile")
        if options.wants(PRODUCTS):
            contenders["products"] = Contender(
                "benchmarks.workers.matrix_products", told, None, "TensorFlow's matrix products alone"
            )
        if options.wants(HALF):
            contenders["half"] = ours(case, options.seed, name="bfloat16", precision="mixed_bfloat16")
        standings = dict(zip(contenders, contest(list(contenders.values()), runs=case.runs, cores=CORES), strict=True))
    if options.wants(FIGURE):
        ways = [standings["eager"], standings["compiled"]]
        ran = [way for way in ways if way.readings]
        best = max(ran, key=lambda way: way.median(tokens_per_s)) if ran else ways[0]
        others = ", ".join(f"{way.contender.name} {way.median(tokens_per_s):,.0f}" for way in ran)
        yield _line(FIGURE, standings["ours"], best, note=f"the better of {others}" if ran else "")
    if "keras" in standings:
        yield _line(KERAS, standings["ours"], standings["keras"])
    if "products" in standings:
        yield _line(PRODUCTS, standings["ours"], standings["products"], note="the ratio is the share that is reached")
    if "half" in standings:
        yield _line(HALF, standings["half"], standings["ours"], name="float32")


def _line(figure: str, ours: Standing, peer: Standing, *, note: str = "", name: str = "") -> Line:
    line = harness.compare(figure, ours, peer, tokens_per_s, unit=UNIT)
    notes = [note, f"a second of processor time: {per_core(ours)}, {per_core(peer)}", curve_difference(ours, peer)]
    changes: dict[str, Any] = {"note": "; ".join(filter(None, notes))}
    if name:
        changes["peer_name"] = name
    return dataclasses.replace(line, **changes)


def curve_difference(ours: Standing, peer: Standing) -> str:
    """How far the losses of the compared steps are apart, in words; empty where there are none."""
    if not (ours.readings and peer.readings and "losses" in peer.readings[0].value):
        return ""
    first, second = (np.array(standing.readings[0].value["losses"]) for standing in (ours, peer))
    apart = np.abs(first[: len(second)] - second).max()
    return f"losses at most {apart:.1e} nats apart, from {second[0]:.3f} to {second[-1]:.3f}"


BENCHMARKS = (Benchmark((FIGURE, KERAS, PRODUCTS, HALF), _rates),)
