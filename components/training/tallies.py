"""What a training counts as it goes, for the points of its curve."""

from __future__ import annotations

import math
import time

import numpy as np

from components.training.batches import Batch
from components.training.steps import Gradient


class Since:
    """What was learnt from since the last point of the curve: a part of the state."""

    def __init__(self) -> None:
        self.state = np.zeros(4)
        """Nats, tokens, bytes, and positions of the batches."""

    def add(self, gradient: Gradient, batch: Batch) -> None:
        """Counts a step."""
        nll = gradient.loss * batch.tokens if math.isfinite(gradient.loss) else 0.0
        self.state = self.state + [nll, batch.tokens, batch.bytes, batch.tokens / (1 - batch.padding)]


class Pace:
    """How fast this attempt is; what was done before a kill took other time."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.tokens, self.positions, self.spent_s = 0, 0.0, 0.0

    def add(self, batch: Batch) -> None:
        """Counts a step."""
        self.tokens += batch.tokens
        self.positions += batch.tokens / (1 - batch.padding)

    def include(self, other: Pace, spent_s: float) -> None:
        """Counts what another counted, in the time that it took."""
        self.tokens += other.tokens
        self.positions += other.positions
        self.spent_s += spent_s

    @property
    def seconds(self) -> float:
        """Since this was made."""
        return time.monotonic() - self._began_s
