"""Weights on a grid that LiteRT's quantizer will find again, so that a network learns with what will serve.

The quantizer's grid of symmetric weights (`ai_edge_quantizer`, `naive_min_max_quantize`) is, of each output channel, `2**(bits
- 1) - 1` steps from zero to the largest magnitude. Here the size of a step is learnt (Esser et al. 2020, LSQ): it may leave
the largest weights outside, which are cut off then. Since it is never so large that none reaches the last step, the quantizer
puts what is on the grid on the very same one.

What the converter changes of a matrix before it is quantised has to be changed before it is put on the grid: `folded`.

Activations are not simulated: the dynamic recipes quantise those to eight bits, by the values at hand, which costs one in ten
thousand of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.retraining.matrices import Matrix
from components.training.gpt import Gpt
from schemas.errors import ConfigError

BITS = (2, 8)
"""Fewest and most."""
_SMALLEST = 1e-9  # the quantizer's own bound, against a scale of zero
_TRIED = np.linspace(0.3, 1.0, 29)
"""Shares of the largest magnitude that the last step is tried at."""


class FakeQuantization:
    """Matrices on grids of so many bits, which learn along; see `components.retraining.fine_tuning.WeightTransform`.

    A weight that was cut off gets no gradient, and weight decay brings it back.

    Args:
        bits: 2 to 8. LiteRT holds 8 and 4 (and 2); what has 3 is held in 4, or 8.

    Raises:
        ConfigError: there is no such grid.
    """

    def __init__(self, bits: int):
        if not BITS[0] <= bits <= BITS[1]:
            raise ConfigError(
                f"weights of {bits} bits cannot be simulated",
                where="bits",
                remedy=f"from {BITS[0]} to {BITS[1]} they can",
            )
        self.name = f"{bits} bits"
        self.variables: Mapping[str, tf.Variable] = {}
        self.learnt: Sequence[keras.Variable] = ()
        self.on_grid = True
        self._bits = bits

    def begin(self, matrices: Sequence[Matrix], weights: Sequence[npt.NDArray[np.float32]], steps: int) -> None:
        """Starts from the steps that move the weights least."""
        self._axes = [matrix.axis for matrix in matrices]
        # As logarithms, so that they learn at the rate of weights, whatever their size.
        self.learnt = [
            keras.Variable(np.log(best_step(weight, self._bits, axis)), name=f"step_{place}")
            for place, (weight, axis) in enumerate(zip(weights, self._axes, strict=True))
        ]

    def advance(self, step: int, weights: Sequence[keras.Variable]) -> None:
        """Nothing changes but what is learnt."""

    def __call__(self, weights: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The weights on their grids."""
        return [
            on_grid(weight, self._bits, axis, tf.exp(size.value))
            for weight, axis, size in zip(weights, self._axes, self.learnt, strict=True)
        ]


def on_grid(weight: tf.Tensor, bits: int, axis: int, step: tf.Tensor | None = None) -> tf.Tensor:
    """A tensor on the symmetric grid of each channel along an axis, rounded half to even.

    Args:
        weight: float32.
        step: from one value to the next, float32 that broadcasts to `weight`; smaller where no weight would reach the last
            value. None: as the quantizer has it, so that the largest magnitude is the last.

    Returns:
        As `weight`. Its gradients for `weight` and `step` are those of LSQ.
    """
    last = 2 ** (bits - 1) - 1
    others = _others(len(weight.shape), axis)
    largest = tf.maximum(tf.reduce_max(tf.abs(weight), axis=others, keepdims=True), _SMALLEST)
    most = tf.stop_gradient(largest / last)
    used = most if step is None else tf.minimum(step, most)
    return _rounded(tf.clip_by_value(weight / used, -float(last), float(last))) * used


def best_step(weight: npt.NDArray[np.float32], bits: int, axis: int) -> npt.NDArray[np.float32]:
    """Of each channel along an axis, the step that moves the weights least (in squares), of a few that are tried.

    Returns:
        float32, of one where `weight` has its other axes.
    """
    last = 2 ** (bits - 1) - 1
    others = tuple(_others(weight.ndim, axis))
    largest = np.maximum(np.abs(weight).max(others, keepdims=True), _SMALLEST) / last
    tried = [largest * share for share in _TRIED]
    moved = [
        np.square(np.clip(np.rint(weight / step), -last, last) * step - weight).sum(others, keepdims=True)
        for step in tried
    ]
    best: npt.NDArray[np.float32] = np.take_along_axis(np.stack(tried), np.argmin(moved, axis=0)[None], axis=0)[0]
    return best.astype(np.float32)


def folded(model: keras.Model) -> set[int]:
    """Puts into a network's matrices what the LiteRT converter would: of `gpt`, the gain and offset of the norm before each
    matrix that has a bias. The network computes the same.

    Returns:
        The places of those gains and offsets among the trainable weights: ones and zeros now, and to stay so.
    """
    held: set[int] = set()
    places = {id(weight): place for place, weight in enumerate(model.trainable_variables)}
    for block in model.blocks if isinstance(model, Gpt) else ():
        norm, dense = block.feed_norm, block.expand
        kernel, gain, offset = (tf.convert_to_tensor(weight) for weight in (dense.kernel, norm.gamma, norm.beta))
        dense.bias.assign_add(tf.linalg.matvec(kernel, offset, transpose_a=True))
        dense.kernel.assign(kernel * gain[:, None])
        norm.gamma.assign(tf.ones_like(gain))
        norm.beta.assign(tf.zeros_like(offset))
        held |= {places[id(norm.gamma)], places[id(norm.beta)]}
    return held


def _others(dimensions: int, axis: int) -> list[int]:
    return [other for other in range(dimensions) if other != axis]


@tf.custom_gradient
def _rounded(value: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    return tf.round(value), lambda upstream: upstream
