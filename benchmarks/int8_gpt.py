"""The figures `int8.gpt_*`: decoders trained on the emoji of the default run, weights of eight bits beside float, both on
LiteRT; one thread, processor time, held-out samples.

Of each figure the part without a suffix is of the network that training is measured on; `default_network` is the one that
the default run trains, which is so narrow that what stays in float weighs more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from benchmarks import harness, made_models
from benchmarks.contest import contest
from benchmarks.emoji_decoder_case import DEFAULT, LARGE, QUICK, Case
from benchmarks.harness import Benchmark, Line, Options
from benchmarks.made_models import FLOAT, INT8, PEER

SIZE, SPEED, RISE = "int8.gpt_size", "int8.gpt_speed", "int8.gpt_bits_per_byte_rise"
_LEAST_SIZE, _LEAST_SPEED, _MOST_PERCENT = 3.3, 2.0, 0.1
_RUNS, _QUICK_RUNS = 9, 5
_CALLS, _QUICK_CALLS = 20, 50


def _figures(options: Options) -> Iterator[Line]:
    cases = {"": QUICK} if options.quick else {"": LARGE, ".default_network": DEFAULT}
    for suffix, case in cases.items():
        if any(options.wants(figure + suffix) for figure in (SIZE, SPEED, RISE)):
            yield from _of(options, case, suffix)


def _of(options: Options, case: Case, suffix: str) -> Iterator[Line]:
    job = {"case": dataclasses.asdict(case), "seed": options.seed}
    models = made_models.made("gpt_models", job, sources=["benchmarks.emoji_decoder_case"])
    facts = models.facts
    about = f"{facts['parameters']:,} weights, width {case.width}, {facts['tokens']} tokens a call"
    if options.wants(SIZE + suffix):
        yield made_models.judged(made_models.size_line(SIZE + suffix, models, note=about), least=_LEAST_SIZE)
    if options.wants(SPEED + suffix):
        calls, runs = (_QUICK_CALLS, _QUICK_RUNS) if options.quick else (_CALLS, _RUNS)
        contenders = [
            models.timed(file, calls=calls, items=facts["tokens"], name=name)
            for file, name in ((INT8, "headrace"), (FLOAT, PEER))
        ]
        first, second = contest(contenders, runs=runs)
        line = harness.rate(SPEED + suffix, first, second, unit="tokens/s", note=about)
        yield made_models.judged(line, least=_LEAST_SPEED)
    if options.wants(RISE + suffix):
        before, after = (facts["bits_per_byte"][name] for name in ("float", "int8"))
        note = (
            f"{before:.4f} to {after:.4f} bits a byte, standard error of the rise {facts['rise_error_percent']:.3f}%, "
            f"on {facts['held_out']:,} held-out samples, after {case.steps} steps; {about}"
        )
        rise = 100 * (after / before - 1)
        line = Line(RISE + suffix, rise, "percent", peer_name=PEER, why="the loss against the peer", note=note)
        yield made_models.judged(line, most=_MOST_PERCENT)


BENCHMARKS = (Benchmark((SIZE, SPEED, RISE), _figures),)
