"""The figures `checkpoint.stall_share` and `recompute.*`: what saving and computing anew cost, and what they bring."""

from __future__ import annotations

import dataclasses
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
        lost_s: how much longer the steps after a save took than undisturbed ones; one number a save.
    """

    step_s: float
    lost_s: tuple[float, ...]

    @property
    def shares(self) -> list[float]:
        """Of training time, at one save every 100 steps, from the lowest."""
        return sorted(lost / (_PER_SAVE_STEPS * self.step_s) for lost in self.lost_s)


def stall(step_s: list[float], first: int, every: int) -> Stall:
    """What saves cost by the steps' times.

    The step after a save holds what the save stops; those after it, what it slows down while it is written. So the first
    half of the steps from one save to the next is compared with the second, which the machine disturbs about alike.

    Args:
        step_s: seconds of each step.
        first: the number of the first of them, from 0 on.
        every: a save comes right before each step whose number this divides.
    """
    half = every // 2
    starts = [place for place in range(len(step_s) - every + 1) if (first + place) % every == 0]
    lost, typical = [], []
    for start in starts:
        undisturbed = statistics.median(step_s[start + half : start + every])
        lost.append(sum(step_s[start : start + half]) - half * undisturbed)
        typical.append(undisturbed)
    return Stall(statistics.median(typical), tuple(lost))


def _checkpoint(options: Options) -> Iterator[Line]:
    saves = 2 if options.quick else 8
    every = _MEASURED_EVERY_STEPS
    case = train_rates.case_of(options, compared_steps=every - 1, timed_steps=every * saves)
    # No point of the curve is measured, which would take time of its own.
    contender = train_rates.ours(case, options.seed, checkpoint_every_steps=every, evaluate_every_steps=10_000)
    [standing] = contest([contender], runs=1, cores=CORES)
    if standing.why:
        yield Line(STALL, None, "share of time", why=standing.why)
        return
    [reading] = standing.readings
    wall, processor = (
        stall(reading.value[name], case.compared_steps + 1, every) for name in ("step_s", "step_processor_s")
    )
    note = (
        f"one save every {_PER_SAVE_STEPS} steps; a save costs {1000 * statistics.median(wall.lost_s):.0f} ms beside "
        f"steps of {1000 * wall.step_s:.0f} ms; of processor time {statistics.median(processor.shares):.2%}"
    )
    yield Line(
        STALL,
        statistics.median(wall.shares),
        "share of time",
        spread={"ours": [wall.shares[0], wall.shares[-1]]},
        runs=len(wall.lost_s),
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
