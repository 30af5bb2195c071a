"""What keeps one bad batch from ruining a training: steps far from those before them are told, and the loss scale."""

from __future__ import annotations

import math

import numpy as np

from components.training.config import SpikesConfig

_MAD_TO_DEVIATION = 1.4826  # of a normal distribution
_FLOOR = 0.02
"""The deviation counts as at least this share of the median: a curve that is nearly flat has no spikes."""


class SpikeDetector:
    """Tells a step whose loss or gradient norm is far beyond those of the steps before.

    Args:
        config: how far, and how many steps are looked at.
    """

    def __init__(self, config: SpikesConfig):
        self._config = config
        self.state = np.full((config.history, 2), np.nan, np.float64)
        """Loss and gradient norm of the last good steps, float64 `[history, 2]`, the oldest first; state."""

    def judge(self, loss: float, norm: float) -> str | None:
        """Why a step is a spike, in words; None if it is none, and then it is remembered."""
        for index, (name, value) in enumerate((("loss", loss), ("gradient norm", norm))):
            if not math.isfinite(value):
                return f"the {name} is {value}"
            history = self.state[:, index]
            if np.isnan(history[0]):
                continue
            median = float(np.median(history))
            deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(history - median)))
            away = (value - median) / max(deviation, _FLOOR * median)
            if away > self._config.deviations:
                return f"the {name} is {value:.4g}, {away:.0f} robust standard deviations above {median:.4g}"
        self.state = np.concatenate([self.state[1:], [[loss, norm]]])
        return None


class LossScale:
    """What the loss of float16 is multiplied by, so that small gradients do not vanish (Micikevicius et al. 2018).

    It is judged by the gradient after it was summed over all devices, so that all of them do the same: Keras's own
    LossScaleOptimizer looks at each device's gradient before, and one that overflows alone ruins the weights.
    """

    _FIRST, _GROW_AFTER, _LEAST = 2.0**15, 2000, 1.0

    def __init__(self, *, used: bool):
        self.used = used
        self.state = np.array([self._FIRST if used else 1.0, 0.0])
        """The scale, and how many steps it has been good for."""

    @property
    def value(self) -> float:
        """The scale."""
        return float(self.state[0])

    def overflowed(self) -> bool:
        """Halves it; whether that was possible."""
        if not self.used or self.value <= self._LEAST:
            return False
        self.state = np.array([self.value / 2, 0.0])
        return True

    def held(self) -> None:
        """A step was finite; doubles it after many of them."""
        if not self.used:
            return
        scale, good = self.value, self.state[1] + 1
        self.state = np.array([2 * scale, 0.0]) if good >= self._GROW_AFTER else np.array([scale, good])
