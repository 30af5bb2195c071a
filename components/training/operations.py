"""Operations of networks whose gradient TensorFlow would make of twice as many passes over memory as it takes.

On a CPU such a pass costs as much as a fortieth of the product next to it, and a block has dozens. The values are those of
TensorFlow's own operations; a gradient may differ in its last bits.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

_MASKED, _MASKED_IN_HALF = -1e9, -3e4

Gradient = Callable[[tf.Tensor], tf.Tensor]


class LayerNorm(keras.layers.Layer):
    """Layer normalisation over the last axis (Ba et al. 2016), computed in float32 in every precision.

    Args:
        epsilon: what is added to the variance.
        name: of the layer.
    """

    def __init__(self, *, epsilon: float, name: str):
        super().__init__(name=name)
        self._epsilon = epsilon

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the weights; `shape` is `[..., width]`."""
        self.gamma = self.add_weight(name="gamma", shape=shape[-1:], initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape[-1:], initializer="zeros")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """float `[..., width]`, as `x`."""
        gamma, beta = (tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in (self.gamma, self.beta))
        return tf.cast(self._normalised(tf.cast(x, tf.float32), gamma, beta), x.dtype)

    def _normalised(self, x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def normalise(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
            centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
            deviation = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + self._epsilon)
            unit = centred * deviation

            def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                rest = list(range(upstream.shape.rank - 1))
                of_unit = upstream * gamma
                mean = tf.reduce_mean(of_unit, axis=-1, keepdims=True)
                along = tf.reduce_mean(of_unit * unit, axis=-1, keepdims=True)
                of_x = (of_unit - mean - unit * along) * deviation
                return of_x, tf.reduce_sum(upstream * unit, axis=rest), tf.reduce_sum(upstream, axis=rest)

            return unit * gamma + beta, gradient

        return normalise(x, gamma, beta)


@tf.custom_gradient
def squared_relu(x: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """The square of what is positive (So et al. 2021)."""
    positive = tf.nn.relu(x)
    return tf.square(positive), lambda upstream: upstream * (positive + positive)


def masked_softmax(scores: tf.Tensor, visible: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, of what is visible alone.

    Args:
        scores: float `[..., keys]`.
        visible: bool, broadcast to that; of each row something is.
    """

    @tf.custom_gradient
    def weigh(scores: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        # By selection: an added mask would be fused by TensorFlow on CPU into a kernel eight times slower.
        masked = tf.constant(_MASKED_IN_HALF if scores.dtype == tf.float16 else _MASKED, scores.dtype)
        weights = tf.nn.softmax(tf.where(visible, scores, masked))

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # Nothing has to be selected: where nothing is visible, the weight is zero.
            return (upstream - tf.reduce_sum(upstream * weights, axis=-1, keepdims=True)) * weights

        return weights, gradient

    return weigh(scores)
