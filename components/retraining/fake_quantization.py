"""Weights on the grid that LiteRT's quantizer will put them on, so that a network learns with what will serve.

The grid is that of `ai_edge_quantizer` for symmetric weights (its `naive_min_max_quantize`): of each output channel the
largest magnitude is the last of `2**(bits - 1) - 1` steps, and zero is one of them. What is on it is put on the very same
grid again, whatever was learnt: the largest magnitude is still the last step.

What the converter changes of a matrix before it is quantised has to be changed before it is put on the grid: `folded`.

Activations are not simulated: the dynamic recipes quantise those to eight bits, by the values at hand, which costs one in ten
thousand of the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from components.retraining.matrices import Matrix
from components.training.gpt import Gpt
from schemas.errors import ConfigError

BITS = (2, 8)
"""Fewest and most."""
_SMALLEST = 1e-9  # the quantizer's own bound, against a scale of zero


class FakeQuantization:
    """Matrices on the grid of so many bits; see `components.retraining.fine_tuning.WeightTransform`.

    Args:
        bits: 2 to 8. LiteRT holds 8 and 4 (and 2); what has 3 is held in 4.

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
        self.on_grid = True
        self._bits = bits
        self._axes: list[int] = []

    def begin(self, matrices: Sequence[Matrix], shapes: Sequence[tuple[int, ...]], steps: int) -> None:
        """See the protocol."""
        self._axes = [matrix.axis for matrix in matrices]

    def advance(self, step: int, weights: Sequence[keras.Variable]) -> None:
        """Nothing changes on the way."""

    def __call__(self, weights: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The weights on their grids."""
        return [on_grid(weight, self._bits, axis) for weight, axis in zip(weights, self._axes, strict=True)]


def on_grid(weight: tf.Tensor, bits: int, axis: int) -> tf.Tensor:
    """A float32 tensor rounded, half to even, to the symmetric grid of each channel along an axis."""
    steps = 2 ** (bits - 1) - 1
    others = [other for other in range(len(weight.shape)) if other != axis]
    largest = tf.reduce_max(tf.abs(weight), axis=others, keepdims=True)
    scale = tf.maximum(largest, _SMALLEST) / steps
    return tf.round(weight / scale) * scale


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
