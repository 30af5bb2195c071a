"""Operations with gradients of their own give what TensorFlow's give."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.training import linear_cross_entropy, operations

_SEEN = tf.constant([[True, False, False], [True, True, False], [True, True, True]])


def _value_and_gradients(function, inputs, upstream, *, xla=False):
    """What a function of some tensors gives, and how that, times `upstream`, changes with each of them."""

    def both(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs)
            total = tf.reduce_sum(tf.cast(value, tf.float32) * upstream)
        return [value, *tape.gradient(total, inputs)]

    return [tf.cast(each, tf.float32).numpy() for each in tf.function(both, jit_compile=xla)(*inputs)]


def _random(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32))


def _assert_alike(one, other, tolerance=2e-6):
    for mine, theirs in zip(one, other, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("places", [1, 500, 512, 513, 1300])
def test_the_loss_in_parts_is_that_of_all_logits_at_once(places, xla):
    hidden, head = _random(places, 16), _random(700, 16, seed=1)
    rng = np.random.default_rng(2)
    targets = tf.constant(rng.integers(0, 700, places), tf.int32)
    weights = tf.constant(rng.choice([0.0, 0.5, 1.0], places), tf.float32)

    def plainly(hidden, head):
        nll = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(hidden, head, transpose_b=True))
        return tf.reduce_sum(nll * weights)

    def in_parts(hidden, head):
        return linear_cross_entropy.loss_sum(hidden, head, targets, weights)

    inputs = [hidden, head]
    _assert_alike(_value_and_gradients(in_parts, inputs, 3.0, xla=xla), _value_and_gradients(plainly, inputs, 3.0))


def test_the_loss_stays_a_number_where_a_token_is_as_good_as_certain_or_impossible():
    hidden, head = tf.constant([[200.0], [-200.0]]), tf.constant([[1.0], [0.0]])
    loss, of_hidden, _ = _value_and_gradients(
        lambda hidden, head: linear_cross_entropy.loss_sum(hidden, head, tf.constant([0, 0]), tf.ones([2])),
        [hidden, head],
        1.0,
    )
    assert loss == 200.0
    assert of_hidden.tolist() == [[0.0], [-1.0]]


@pytest.mark.parametrize(("half", "tolerance"), [(tf.float16, 2e-3), (tf.bfloat16, 2e-2)])
def test_in_half_precision_the_loss_is_the_same_within_its_rounding(half, tolerance):
    hidden, head, targets = _random(600, 16), _random(50, 16, seed=1), tf.range(600) % 50

    def loss(hidden, head):
        return linear_cross_entropy.loss_sum(hidden, head, targets, tf.ones([600]))

    whole = _value_and_gradients(loss, [hidden, head], 1.0)
    _assert_alike(_value_and_gradients(loss, [tf.cast(hidden, half), head], 1.0), whole, tolerance)


def test_layer_norm_is_that_of_keras():
    x, upstream = 3 * _random(4, 5, 8) + 1, _random(4, 5, 8, seed=1)
    ours, theirs = operations.LayerNorm(epsilon=1e-5, name="ours"), keras.layers.LayerNormalization(epsilon=1e-5)
    for layer in (ours, theirs):
        layer.build((None, None, 8))
        layer.gamma.assign(1 + 0.1 * _random(8, seed=2))
        layer.beta.assign(_random(8, seed=3))

    def of(layer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x) * upstream)
        return [layer(x).numpy(), *(each.numpy() for each in tape.gradient(total, [x, layer.gamma, layer.beta]))]

    _assert_alike(of(ours), of(theirs))


def test_squared_relu_has_the_gradient_of_a_square():
    x = _random(50, 7)
    _assert_alike(
        _value_and_gradients(operations.squared_relu, [x], _random(50, 7, seed=1)),
        _value_and_gradients(lambda x: tf.square(tf.nn.relu(x)), [x], _random(50, 7, seed=1)),
    )


@pytest.mark.parametrize("half", [tf.float32, tf.float16, tf.bfloat16])
def test_what_is_masked_has_neither_weight_nor_gradient(half):
    scores, upstream = tf.cast(_random(2, 3, 3), half), _random(2, 3, 3, seed=1)

    def plainly(scores):
        return tf.nn.softmax(tf.where(_SEEN, tf.cast(scores, tf.float32), -np.inf))

    ours = _value_and_gradients(lambda scores: operations.masked_softmax(scores, _SEEN), [scores], upstream)
    tolerance = {tf.float32: 2e-6, tf.float16: 4e-3, tf.bfloat16: 3e-2}[half]
    _assert_alike(ours, _value_and_gradients(plainly, [scores], upstream), tolerance)
    for each in ours:
        assert (each[:, ~_SEEN.numpy()] == 0).all()
