"""Folds batch normalisation into the convolution before it, in a Keras network.

What it is for: the float SavedModel, which TensorFlow serves. There the normalisation is a product and a sum with weights,
which might change, so that TensorFlow leaves them as they are: two passes over memory for each convolution. Folded, bias
and ReLU become part of the convolution by themselves. A LiteRT model gains nothing: its converter takes weights for
constants, and folds the same by itself (the tests show both). It is also the convolution that is quantised in the end, for
whoever trains with that in view.

Gain and offset of a layer normalisation are not folded into the linear layer after it. It would be exact, and the
converter does it where that layer has a bias; but of a decoder of 8.6 million weights the float LiteRT model became 1%
faster by it and the int8 one 3% slower.
"""

from __future__ import annotations

import collections
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]


def fuse(model: keras.Model) -> keras.Model:
    """The network without the batch normalisations that directly follow a convolution.

    Folded are those over the channels of a `Conv2D`, `DepthwiseConv2D` or `Dense` without activation whose result nothing
    else reads (Jacob et al. 2018, section 3.2): `w * gain`, `(b - mean) * gain + offset`, where `gain` is
    `gamma / sqrt(variance + epsilon)`. As in inference, so that the result is not for training on. Networks within a
    network stay as they are.

    Args:
        model: built from layers, as `keras.Sequential` and `keras.Model(inputs, outputs)` are.

    Returns:
        A network of its own with the same inputs and outputs, equal within rounding.

    Raises:
        ValueError: a class of its own computes the network.
    """
    graph = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
    folded = _foldable(graph)
    norms = {norm: convolution for convolution, norm in folded.items()}

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config({**config, "use_bias": True} if layer.name in folded else config)

    def call(layer: Any, *tensors: Any, **named: Any) -> Any:
        return tensors[0] if layer.name in norms else layer(*tensors, **named)

    fused = keras.models.clone_model(graph, clone_function=clone, call_function=call)
    for layer in filter(lambda layer: layer.weights, fused.layers):
        original = graph.get_layer(layer.name)
        if layer.name in folded:
            layer.set_weights(_folded(original, graph.get_layer(folded[layer.name])))
        else:
            layer.set_weights(original.get_weights())
    return fused


def _foldable(model: keras.Model) -> dict[str, str]:
    """The name of each convolution that can be folded, and of the normalisation after it."""
    calls: collections.Counter[str] = collections.Counter()
    readers: dict[str, list[str]] = collections.defaultdict(list)
    makers: dict[int, str] = {}

    def call(layer: Any, *tensors: Any, **named: Any) -> Any:
        read = keras.tree.flatten((tensors, named))
        for maker in (makers[id(tensor)] for tensor in read if id(tensor) in makers):
            readers[maker].append(layer.name)
        made = layer(*tensors, **named)
        calls[layer.name] += 1
        makers.update({id(tensor): layer.name for tensor in keras.tree.flatten(made)})
        return made

    traced = keras.models.clone_model(model, call_function=call)
    for output in traced.outputs:
        readers[makers.get(id(output), "")].append("")  # whoever calls the network
    pairs = {}
    for layer in model.layers:
        if type(layer) not in _FOLD or layer.activation is not keras.activations.linear:
            continue
        after = readers[layer.name]
        if len(after) == 1 and calls[after[0]] == 1:
            norm = model.get_layer(after[0])
            if type(norm) is keras.layers.BatchNormalization and _over_channels(norm, layer):
                pairs[layer.name] = norm.name
    return pairs


def _over_channels(norm: keras.layers.BatchNormalization, layer: keras.layers.Layer) -> bool:
    rank = len(layer.output.shape)
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return bool(norm.axis % rank == (1 if first else rank - 1))


def _folded(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[_Floats]:
    """Kernel and bias."""
    mean, variance = (np.asarray(weight, np.float64) for weight in (norm.moving_mean, norm.moving_variance))
    gain = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        gain *= np.asarray(norm.gamma, np.float64)
    bias = np.asarray(layer.bias, np.float64) if layer.use_bias else np.zeros_like(mean)
    offset = np.asarray(norm.beta, np.float64) if norm.center else np.zeros_like(mean)
    return [np.asarray(layer.kernel, np.float64) * _FOLD[type(layer)](layer, gain), (bias - mean) * gain + offset]


def _by_last_axis(layer: keras.layers.Layer, gain: _Floats) -> _Floats:
    return gain


def _by_depth(layer: keras.layers.Layer, gain: _Floats) -> _Floats:
    """As the kernel's last two axes: channel, and filters of each."""
    return gain.reshape(-1, layer.depth_multiplier)


_FOLD = {
    keras.layers.Conv2D: _by_last_axis,
    keras.layers.Dense: _by_last_axis,
    keras.layers.DepthwiseConv2D: _by_depth,
}
