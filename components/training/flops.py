"""How many operations a training does, and how many its device could do."""

from __future__ import annotations

import functools
import math
import time

import keras
import tensorflow as tf

from components.training import network

_SIDE = 1024
_REPEATS = 5


def of_token(model: keras.Model) -> float:
    """Floating-point operations that one position costs, forward and backward: six a weight of a matrix.

    As Kaplan et al. 2020, appendix B.1; attention's own products, which depend on the length of the row, are left out, and
    so are lookups.
    """
    tied = getattr(model, "tied", ())
    looked_up = {weight.path for weight in network.tables(model) if weight.name not in tied}
    return 6.0 * sum(
        math.prod(weight.shape)
        for weight in model.trainable_variables
        if len(weight.shape) >= 2 and weight.path not in looked_up
    )


@functools.cache
def attainable() -> float:
    """Operations a second that this device's product of two matrices of 1,024 squared reaches in float32, measured."""
    matrix = tf.random.stateless_normal([_SIDE, _SIDE], seed=[0, 0])
    tf.matmul(matrix, matrix).numpy()
    best = min(_timed(matrix) for _ in range(_REPEATS))
    return 2.0 * _SIDE**3 / best


def _timed(matrix: tf.Tensor) -> float:
    began = time.perf_counter()
    tf.matmul(matrix, matrix).numpy()
    return time.perf_counter() - began
