"""The loss of a network whose logits are one product, `hidden @ head.T`, without ever holding all logits.

A vocabulary of 8,192 makes the logits of a batch 30 times as large as its hidden states, and a loss that is made of
TensorFlow's own operations passes over them about ten times. Here a few hundred places are taken at a time: their logits
are made, judged and turned into their part of the gradient while they are still in the processor's cache. So the gradient
is ready before it is asked for, as in Liger Kernel (Hsu et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

_PLACES_AT_ONCE = 512
"""Measured at a vocabulary of 8,192: 256 and 1,024 take a tenth longer."""


def loss_sum(hidden: tf.Tensor, head: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The cross-entropy of all places, each times its weight.

    Args:
        hidden: float `[places, width]`.
        head: float32 `[vocabulary, width]`.
        targets: int32 `[places]`.
        weights: float32 `[places]`.

    Returns:
        float32 `[]`, nats. It has gradients for `hidden` and `head`.
    """

    @tf.custom_gradient
    def judged(
        hidden: tf.Tensor, head: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        loss, of_hidden, of_head = _in_parts(hidden, head, targets, weights)
        return loss, lambda upstream: (tf.cast(of_hidden * upstream, hidden.dtype), of_head * upstream)

    return judged(hidden, head)


def _in_parts(
    hidden: tf.Tensor, head: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The loss and its gradients, float32, for `hidden` and for `head`."""
    places, width = tf.shape(hidden)[0], hidden.shape[1]
    parts = -(-places // _PLACES_AT_ONCE)
    size = -(-places // parts)
    left = parts * size - places  # less than one a part; of weight zero
    hidden = tf.reshape(tf.pad(hidden, [[0, left], [0, 0]]), [parts, size, width])
    targets, weights = (tf.reshape(tf.pad(value, [[0, left]]), [parts, size]) for value in (targets, weights))
    of_places = tf.TensorArray(tf.float32, parts, element_shape=[None, width])

    def add(part, loss, of_head, of_places):  # type: ignore[no-untyped-def]
        more, of_hidden, of_weights = _of_part(hidden[part], head, targets[part], weights[part])
        return part + 1, loss + more, of_head + of_weights, of_places.write(part, of_hidden)

    _, loss, of_head, of_places = tf.while_loop(
        lambda part, *_: part < parts,
        add,
        (0, 0.0, tf.zeros(head.shape, tf.float32), of_places),
        parallel_iterations=1,
    )
    return loss, tf.reshape(of_places.stack(), [-1, width])[:places], of_head


def _of_part(
    hidden: tf.Tensor, head: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    table = tf.cast(head, hidden.dtype)
    logits = tf.cast(tf.matmul(hidden, table, transpose_b=True), tf.float32)
    # Its operation for sparse targets takes seven times as long as TensorFlow's softmax, from which all else follows: the
    # largest logit and its probability say what the normaliser is.
    probability = tf.nn.softmax(logits)
    right = tf.stack([tf.range(tf.shape(targets)[0]), targets], axis=1)
    normaliser = tf.reduce_max(logits, axis=1) - tf.math.log(tf.reduce_max(probability, axis=1))
    loss = normaliser - tf.gather_nd(logits, right)
    of_logits = tf.cast(tf.tensor_scatter_nd_sub(probability, right, tf.ones_like(loss)), hidden.dtype)
    of_hidden = tf.cast(tf.matmul(of_logits, table), tf.float32) * weights[:, None]
    # The weights go to the narrow side of the product.
    of_head = tf.matmul(of_logits, hidden * tf.cast(weights, hidden.dtype)[:, None], transpose_a=True)
    return tf.reduce_sum(loss * weights), of_hidden, tf.cast(of_head, tf.float32)
