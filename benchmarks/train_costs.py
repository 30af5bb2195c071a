"""The figures `checkpoint.stall_share` and `recompute.*`: what saving and computing anew cost, and what they bring."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Iterator

from benchmarks import train_rates
from benchmarks.contest import contest
from benchmarks.harness import Benchmark, Line, Options
from benchmarks.train_rates import CORES

STALL = "checkpoint.stall_share"
SAVED = "recompute.memory_saved"
_PER_SAVE_STEPS = 100
"""Steps between two saves, of which the share is told."""
_MEASURED_EVERY_STEPS = 10
_BATCH = 64
_ITSELF = "compared with our own without it"


@dataclasses.dataclass(frozen=True)
class Stall:
    """What one save costs.

    Attributes:
        step_s: median of a step, in seconds.
        lost_s: how much longer the steps from a save to the next took than so many median ones; one number a save.
    """

    step_s: float
    lost_s: tuple[float, ...]

    @property
    def share(self) -> float:
        """Of training time, at one save every 100 steps."""
        return statistics.median(self.lost_s) / (_PER_SAVE_STEPS * self.step_s)


def stall(step_s: list[float], first: int, every: int) -> Stall:
    """What saves cost by the steps' times.

    Args:
        step_s: seconds of each step.
        first: the number of the first of them, from 0 on.
        every: a save follows each step whose number and 1 this divides.
    """
    # The step after a save holds what the save stops; those after it, what it slows down while it is written.
    typical = statistics.median(seconds for number, seconds in enumerate(step_s, first) if number % every >= every // 2)
    by_save = itertools.groupby(enumerate(step_s, first), key=lambda numbered: numbered[0] // every)
    spans = ([seconds for _, seconds in span] for _, span in by_save)
    lost = tuple(sum(span) - every * typical for span in spans if len(span) == every)
    return Stall(typical, lost)


def _checkpoint(options: Options) -> Iterator[Line]:
    saves = 2 if options.quick else 6
    every = _MEASURED_EVERY_STEPS
    # Points of the curve are written as seldom as saves are measured at, away from them.
    case = train_rates.case_of(
        options, compared_steps=every - 1, timed_steps=every * saves, point_steps=10 * every, runs=1
    )
    contender = train_rates.ours(case, options.seed, checkpoint_every_steps=every, evaluate_every_steps=10_000)
    [standing] = contest([contender], runs=1, cores=CORES)
    if standing.why:
        yield Line(STALL, None, "share of time", why=standing.why)
        return
    [reading] = standing.readings
    found = stall(reading.value["step_s"], case.compared_steps + 1, every)
    note = (
        f"a save costs {1000 * statistics.median(found.lost_s):.0f} ms beside steps of {1000 * found.step_s:.0f} ms, "
        f"from {1000 * min(found.lost_s):.0f} to {1000 * max(found.lost_s):.0f}; of one every {_PER_SAVE_STEPS} steps"
    )
    spread = [lost / (_PER_SAVE_STEPS * found.step_s) for lost in (min(found.lost_s), max(found.lost_s))]
    yield Line(
        STALL,
        found.share,
        "share of time",
        spread={"ours": spread},
        runs=len(found.lost_s),
        why=_ITSELF,
        note=note,
    )


def _recompute(options: Options) -> Iterator[Line]:
    changes = {} if options.quick else {"batch": _BATCH, "compared_steps": 1, "timed_steps": 2, "runs": 3}
    case = train_rates.case_of(options, **changes)
    plain, anew = contest(
        [
            train_rates.ours(case, options.seed, name="plain"),
            train_rates.ours(case, options.seed, name="recomputed", recompute=True),
        ],
        runs=case.runs,
        cores=CORES,
    )
    if plain.why or anew.why:
        yield Line(SAVED, None, "share of peak memory", why="; ".join(filter(None, (plain.why, anew.why))))
        return
    peaks = [standing.readings[-1].peak_bytes for standing in (plain, anew)]
    times = [standing.median(lambda reading: reading.wall_s) for standing in (plain, anew)]
    note = (
        f"{peaks[0] / 1e9:.2f} GB to {peaks[1] / 1e9:.2f} GB of the process, everything loaded included, at batch "
        f"{case.batch}; time {times[1] / times[0] - 1:+.0%}"
    )
    yield Line(SAVED, 1 - peaks[1] / peaks[0], "share of peak memory", runs=len(plain.readings), why=_ITSELF, note=note)


BENCHMARKS = (Benchmark((STALL,), _checkpoint), Benchmark((SAVED,), _recompute))
