"""Networks with fewer weights: the smallest set to zero step by step while the others learn, or whole units left out.

Zeros stay zeros when LiteRT quantises them (its grids of weights are symmetric), and a compressed file is the smaller for
them; the file as it serves is not, nor is it faster. Of whole units left out both are true.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.retraining.matrices import Matrix
from schemas.errors import ConfigError

Over = Literal["matrix", "network"]


class MagnitudePruning:
    """The smallest weights masked, more and more of them (Zhu and Gupta 2017); see
    `components.retraining.fine_tuning.WeightTransform`.

    What is masked goes on learning unseen, by the gradient at zero, and comes back if it is no longer among the smallest
    when the masks are made anew (Guo, Yao and Chen 2016). Once the share that is asked for is reached the masks stay.

    Args:
        sparsity: share of the matrices' weights that are zero in the end.
        over: `network`: of all matrices together, so that those of small weights lose more. `matrix`: of each that share; with
            half of the weights pruned the loss rose by 2.7% so, and by 1.6% over all.
        until: share of the steps at which it is reached.
        every: steps from one making of masks to the next.

    Raises:
        ConfigError: the share is not in [0, 1), or the schedule is none.
    """

    def __init__(self, sparsity: float, *, over: Over = "network", until: float = 0.6, every: int = 5):
        if not 0 <= sparsity < 1:
            raise ConfigError(f"a share of {sparsity} cannot be pruned", where="sparsity", remedy="0 to below 1 can")
        if not 0 <= until <= 1 or every < 1:
            raise ConfigError(
                f"masks cannot be made every {every} steps until {until} of them",
                where="until, every",
                remedy="give a share from 0 to 1, and a step or more",
            )
        self.name = f"pruned {sparsity:g} by {over} until {until:g} every {every}"
        self.variables: Mapping[str, tf.Variable] = {}
        self.learnt: Sequence[keras.Variable] = ()
        self.on_grid = False
        self._sparsity, self._over, self._until, self._every = sparsity, over, until, every

    def begin(self, matrices: Sequence[Matrix], weights: Sequence[npt.NDArray[np.float32]], steps: int) -> None:
        """Masks nothing yet."""
        self._masks = [tf.Variable(tf.ones(weight.shape), trainable=False) for weight in weights]
        self._made = tf.Variable(-1, dtype=tf.int64, trainable=False)  # at which of the times they were made last
        self.variables = {"made": self._made, **{f"mask-{place}": mask for place, mask in enumerate(self._masks)}}
        self._times = max(1, math.ceil(self._until * steps / self._every))

    def advance(self, step: int, weights: Sequence[keras.Variable]) -> None:
        """Makes the masks anew where it is time; `weights` are those that learn."""
        time = min(step // self._every, self._times)
        if time <= int(self._made.numpy()):
            return
        share = cubic(self._sparsity, time / self._times)
        found = masks([np.asarray(weight) for weight in weights], share, self._over)
        for mask, kept in zip(self._masks, found, strict=True):
            mask.assign(kept)
        self._made.assign(time)

    def __call__(self, weights: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The weights that are not masked; zero where they are."""
        return [_masked(weight, mask) for weight, mask in zip(weights, self._masks, strict=True)]


def cubic(final: float, done: float) -> float:
    """The share to be pruned when a share of the schedule is done: fast at first, slow in the end.

    Zhu and Gupta 2017, equation 1, from nothing.
    """
    return final * (1 - (1 - min(1.0, done)) ** 3)


def masks(weights: Sequence[npt.NDArray[np.float32]], sparsity: float, over: Over) -> list[npt.NDArray[np.float32]]:
    """Zero at the smallest magnitudes, one elsewhere.

    Args:
        weights: of any shapes.
        sparsity: the share that is zero, rounded to whole weights; of like ones those that come first.
        over: see `MagnitudePruning`.
    """
    if over == "network":
        ends = np.cumsum([weight.size for weight in weights])[:-1]
        [kept] = masks([np.concatenate([weight.ravel() for weight in weights])], sparsity, "matrix")
        return [part.reshape(weight.shape) for part, weight in zip(np.split(kept, ends), weights, strict=True)]
    found = []
    for weight in weights:
        kept = np.ones(weight.size, np.float32)
        kept[np.argsort(np.abs(weight).ravel(), kind="stable")[: round(sparsity * weight.size)]] = 0
        found.append(kept.reshape(weight.shape))
    return found


def _masked(weight: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def multiplied(weight: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return weight * mask, lambda upstream: upstream

    return multiplied(weight)
