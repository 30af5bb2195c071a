"""The training that ours and the peers are measured on, and how each tells of it.

A decoder of 8.4 million weights as `components.training.gpt` makes it, with one position before the tokens where ours has
its image; all start from the same weights, see the same batches, and follow the same schedule. Standard library and
NumPy only, because it is read inside the peers' environments.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

BETA_1, BETA_2, EPSILON = 0.9, 0.98, 1e-7
NORM_EPSILON = 1e-5
BATCHES, WEIGHTS = "batches.npy", "weights.npz"

Step = Callable[[int, npt.NDArray[np.int32]], float]
"""One update, given its number from 0 on and ids int32 `[batch, tokens + 1]`; returns the loss before it, nats a token."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Size of the network and of the data, and how it learns.

    Attributes:
        tokens: predicted in each sequence.
        schedule_steps: length of the schedule; only its beginning is gone.
        compared_steps: from the initial weights, done while warming up; their losses are compared.
        timed_steps: in each run.
        runs: how many.
        point_steps: losses are told as means over so many steps.
    """

    vocabulary: int = 8192
    tokens: int = 128
    width: int = 256
    depth: int = 8
    heads: int = 8
    batch: int = 16
    learning_rate: float = 5e-4
    warmup_steps: int = 10
    final_learning_rate: float = 0.02
    weight_decay: float = 0.1
    clip_norm: float = 1.0
    schedule_steps: int = 1000
    compared_steps: int = 20
    timed_steps: int = 5
    runs: int = 5
    point_steps: int = 5

    def learning_rate_of(self, step: int) -> float:
        """The learning rate of a step, from 0 on: up in a straight line, down along a cosine."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.schedule_steps)))
        return self.learning_rate * warm * (self.final_learning_rate + (1 - self.final_learning_rate) * cosine)

    @property
    def tokens_per_run(self) -> int:
        """Tokens predicted in a run."""
        return self.timed_steps * self.batch * self.tokens

    @property
    def steps(self) -> int:
        """All steps that are done, those of warming up included."""
        return self.compared_steps + self.runs * self.timed_steps


def work(case: Case, folder: pathlib.Path, step: Step) -> Callable[[], dict[str, Any]]:
    """What a peer's process does when asked, after the steps whose losses are compared.

    Args:
        case: what is trained.
        folder: where the batches are.
        step: one update.

    Returns:
        A run of `timed_steps`; it tells `items` (tokens) and `losses`, the means of the compared steps.
    """
    batches = np.load(folder / BATCHES)
    losses = [step(number, batches[number]) for number in range(case.compared_steps)]
    means = np.reshape(losses, [-1, case.point_steps]).mean(axis=1).tolist()
    done = case.compared_steps

    def run() -> dict[str, Any]:
        nonlocal done
        for number in range(done, done + case.timed_steps):
            step(number, batches[number % len(batches)])
        done += case.timed_steps
        return {"items": case.tokens_per_run, "losses": means}

    return run
