"""Batch normalisations are folded where it changes nothing, and what folding is worth to whoever runs the network."""

from __future__ import annotations

import collections
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from tensorflow.python.eager import context

from components.compression import convert
from components.compression.fusion import fuse
from components.training.operations import LayerNorm


def learnt(model: keras.Model, seed: int = 0) -> keras.Model:
    """The network with weights as training leaves them: no norm is the identity."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        low, high = (0.2, 3.0) if weight.name in ("gamma", "moving_variance") else (-0.5, 0.5)
        weight.assign(random.uniform(low, high, weight.shape))
    return model


def norms(model: keras.Model) -> int:
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


def apart(model: keras.Model, fused: keras.Model, x: np.ndarray) -> float:
    """Largest difference of the outputs, as a share of the largest output."""
    before, after = (keras.ops.convert_to_numpy(network(x)) for network in (model, fused))
    return float(np.abs(before - after).max() / np.abs(before).max())


def pixels(size: int = 8, channels: int = 3, rows: int = 2) -> np.ndarray:
    return np.random.default_rng(1).random((rows, size, size, channels), np.float32)


def residual(size: int = 8) -> keras.Model:
    """Two convolutions around a skip, as in a ResNet, and a head."""
    image = keras.Input((size, size, 3))
    skip = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(image)))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(skip)))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, skip])))
    return learnt(keras.Model(image, layers.Dense(5)(x)))


@settings(max_examples=12, deadline=None)
@given(
    bias=st.booleans(),
    scale=st.booleans(),
    center=st.booleans(),
    kind=st.sampled_from(["conv", "depthwise", "dense"]),
    multiplier=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_a_folded_network_is_equal_within_rounding(bias, scale, center, kind, multiplier, seed):
    layer = {
        "conv": lambda: layers.Conv2D(3 * multiplier, 3, use_bias=bias),
        "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=multiplier, use_bias=bias),
        "dense": lambda: layers.Dense(3 * multiplier, use_bias=bias),
    }[kind]()
    norm = layers.BatchNormalization(scale=scale, center=center, epsilon=1e-2)
    model = learnt(keras.Sequential([keras.Input((5, 5, 3)), layer, norm]), seed)
    fused = fuse(model)
    assert norms(fused) == 0
    assert apart(model, fused, pixels(5)) < 1e-5


def test_a_residual_network_keeps_its_outputs_and_the_original_its_weights():
    model = residual()
    before = [weight.copy() for weight in model.get_weights()]
    fused = fuse(model)
    assert norms(model) == 3 and norms(fused) == 0
    assert apart(model, fused, pixels()) < 1e-5
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))


def between_two_readers(image):
    x = layers.Conv2D(4, 3, padding="same")(image)
    return layers.Add()([layers.BatchNormalization()(x), x])


def an_output_itself(image):
    x = layers.Conv2D(4, 3, padding="same")(image)
    return [layers.BatchNormalization()(x), x]


def after_an_activation(image):
    return layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(image))


def shared_convolution(image):
    shared = layers.Conv2D(3, 3, padding="same")
    return layers.BatchNormalization()(shared(shared(image)))


def shared_normalisation(image):
    norm = layers.BatchNormalization()
    x = layers.Conv2D(4, 3, padding="same")(image)
    return layers.Add()([norm(x), norm(layers.Conv2D(4, 5, padding="same")(image))])


def over_rows(image):
    return layers.BatchNormalization(axis=1)(layers.Conv2D(8, 3, padding="same")(image))


@pytest.mark.parametrize(
    "network",
    [between_two_readers, an_output_itself, after_an_activation, shared_convolution, shared_normalisation, over_rows],
)
def test_what_cannot_be_folded_exactly_is_left(network):
    image = keras.Input((8, 8, 3))
    model = learnt(keras.Model(image, network(image)))
    fused = fuse(model)
    assert norms(fused) == 1
    for before, after in zip(keras.tree.flatten(model(pixels())), keras.tree.flatten(fused(pixels())), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_network_that_a_class_computes_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="Functional"):
        fuse(Own())


def saved(model: keras.Model, directory: pathlib.Path, shape: tuple[int, ...]) -> pathlib.Path:
    """A SavedModel with the network as `score_tokens`."""
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.score_tokens = tf.function(
        lambda x: {"y": model(x, training=False)}, input_signature=[tf.TensorSpec(shape, tf.float32, "x")]
    )
    tf.saved_model.save(module, str(directory), signatures={"score_tokens": module.score_tokens})
    return directory


def litert_operations(model: keras.Model, directory: pathlib.Path, shape: tuple[int, ...]) -> list[str]:
    """Of the LiteRT graph as it is in the file, in its order."""
    found = interpreter.Interpreter(
        model_content=convert.to_litert(saved(model, directory, shape)),
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    return [operation["op_name"] for operation in found._get_ops_details()]


def executed(directory: pathlib.Path, x: np.ndarray) -> collections.Counter:
    """What TensorFlow runs of a SavedModel's signature, after its own optimisations."""
    context.context().enable_run_metadata()
    try:
        tf.saved_model.load(str(directory)).signatures["score_tokens"](x=tf.constant(x))
        graphs = context.context().export_run_metadata().partition_graphs
    finally:
        context.context().disable_run_metadata()
    return collections.Counter(node.op for graph in graphs for node in graph.node)


def fused_convolutions(operations: collections.Counter) -> int:
    """Convolutions that TensorFlow or oneDNN runs with all that follows in one."""
    return sum(count for name, count in operations.items() if name.endswith("FusedConv2D"))


def test_the_litert_converter_folds_by_itself(tmp_path):
    model = residual()
    folded_by_converter = litert_operations(model, tmp_path / "plain", (1, 8, 8, 3))
    assert folded_by_converter == litert_operations(fuse(model), tmp_path / "fused", (1, 8, 8, 3))
    assert folded_by_converter == ["CONV_2D", "CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"]


def test_tensorflow_folds_only_what_was_folded_before(tmp_path):
    model = residual()
    shape = (1, 8, 8, 3)
    plain, fused = (
        executed(saved(network, tmp_path / name, shape), pixels(rows=1))
        for name, network in (("plain", model), ("fused", fuse(model)))
    )
    assert fused_convolutions(plain) == 0 and fused_convolutions(fused) == 3
    assert plain["Mul"] >= 3 and fused["Mul"] == 0


def test_the_litert_converter_folds_a_layer_norm_into_a_linear_layer_with_a_bias(tmp_path):
    x = keras.Input((8,), batch_size=3)
    model = learnt(keras.Model(x, layers.Dense(4)(LayerNorm(epsilon=1e-5, name="norm")(x))))
    counted = collections.Counter(litert_operations(model, tmp_path / "m", (3, 8)))
    assert counted["FULLY_CONNECTED"] == 1
    assert counted["MUL"] == 1 and counted["ADD"] == 1  # by the deviation, to the variance: no gain, no offset
