"""The figures `int8.gpt_*` and `pruned.*`: decoders trained on the emoji of the default run, weights of eight bits beside float, both on
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
from benchmarks.made_models import FLOAT, INT8, PEER, Made

SIZE, SPEED, RISE = "int8.gpt_size", "int8.gpt_speed", "int8.gpt_bits_per_byte_rise"
PRUNED_SIZE, PRUNED_RISE = "pruned.size", "pruned.bits_per_byte_rise"
_LEAST_SIZE, _LEAST_SPEED, _MOST_PERCENT = 3.3, 2.0, 0.1
_MOST_PRUNED_SHARE, _MOST_PRUNED_PERCENT = 0.18, 2.0
_RUNS, _QUICK_RUNS = 9, 5
_CALLS, _QUICK_CALLS = 20, 50


def _figures(options: Options) -> Iterator[Line]:
    cases = {"": QUICK} if options.quick else {"": LARGE, ".default_network": DEFAULT}
    for suffix, case in cases.items():
        if any(options.wants(figure + suffix) for figure in (SIZE, SPEED, RISE)):
            yield from _of(options, case, suffix)
    if any(map(options.wants, (PRUNED_SIZE, PRUNED_RISE))):
        yield from _pruned(options, QUICK if options.quick else DEFAULT)


def _made(options: Options, case: Case) -> Made:
    job = {"case": dataclasses.asdict(case), "seed": options.seed}
    return made_models.made("gpt_models", job, sources=["benchmarks.emoji_decoder_case"])


def _pruned(options: Options, case: Case) -> Iterator[Line]:
    """Half of the weights gone, then int8: of the file as xz packs it, since zeros take as much room as others until then."""
    models = _made(options, case)
    facts, packed = models.facts, models.facts["xz_bytes"]
    if options.wants(PRUNED_SIZE):
        ours, peer = packed["pruned"], models.size(FLOAT)
        note = (
            f"packed by xz (by zlib {facts['zlib_bytes']['pruned'] / peer:.3f}), of the float file as it is (of that one packed "
            f"{ours / packed['float']:.3f}); int8 without pruning {packed['int8'] / peer:.3f}; {facts['sparsity']:.1%} of the "
            "weights of matrices are zero"
        )
        line = Line(PRUNED_SIZE, ours / peer, "share", why="a share of the peer", peer_name=PEER, note=note)
        yield made_models.judged(line, most=_MOST_PRUNED_SHARE)
    if options.wants(PRUNED_RISE):
        before, after = (facts["bits_per_byte"][name] for name in ("float", "pruned"))
        note = (
            f"{before:.4f} to {after:.4f} bits a byte on {facts['held_out']:,} held-out samples; learnt {case.steps} steps, "
            f"and while pruned {case.pruning_steps} more, which the float model has not"
        )
        rise = 100 * (after / before - 1)
        line = Line(PRUNED_RISE, rise, "percent", why="the loss against the peer", peer_name=PEER, note=note)
        yield made_models.judged(line, most=_MOST_PRUNED_PERCENT)


def _of(options: Options, case: Case, suffix: str) -> Iterator[Line]:
    models = _made(options, case)
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


BENCHMARKS = (Benchmark((SIZE, SPEED, RISE, PRUNED_SIZE, PRUNED_RISE), _figures),)
