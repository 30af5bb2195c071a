"""Builds the network that `training.model` names."""

from __future__ import annotations

import contextlib
import math
import pathlib
from collections.abc import Iterator

import h5py  # type: ignore[import-untyped]
import keras

from components.training import outside, own_model
from components.training.config import TrainingConfig
from components.training.gpt import Gpt
from components.training.network import Shape
from schemas.errors import ConfigError


def build(config: TrainingConfig, shape: Shape) -> keras.Model:
    """The network, its weights made, in the precision that the caller has set.

    Raises:
        ConfigError: it cannot be built for that shape, or its weights cannot be read.
    """
    weights = outside.weights_file(config)
    model = _own(config, shape) if outside.is_own(config) else _gpt(config, shape)
    if weights is not None:
        _load(model, weights)
    return model


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """What is built inside computes in a precision; variables are float32 in all."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _gpt(config: TrainingConfig, shape: Shape) -> keras.Model:
    try:
        return Gpt(
            config.gpt,
            vocabulary=shape.vocabulary,
            tokens=shape.tokens,
            image_size=shape.image_size,
            recompute=config.recompute,
        )
    except ValueError as error:
        raise ConfigError(str(error), where="training.gpt") from error


def _own(config: TrainingConfig, shape: Shape) -> keras.Model:
    if config.recompute:
        raise ConfigError(
            f"{config.model} is not known to compute its activations anew",
            where="training.recompute",
            remedy="set it to false, and have the network use `tf.recompute_grad` itself",
        )
    return own_model.build(config.model, shape)


def _load(model: keras.Model, path: pathlib.Path) -> None:
    """Reads weights from a file that holds those of this very network, no fewer and no more."""
    try:
        model.load_weights(path)
        with h5py.File(path) as file:
            items: list[h5py.Dataset | h5py.Group] = []
            file.visititems(lambda _, item: items.append(item))
            held = sum(item.size for item in items if isinstance(item, h5py.Dataset) and item.dtype.kind == "f")
    except (OSError, ValueError, KeyError) as error:
        raise outside.unfit_weights(f"its weights cannot be read from {path}: {str(error).splitlines()[0]}") from error
    # Of seed generators, which are integers, Keras keeps some.
    expected = sum(math.prod(weight.shape) for weight in model.weights if "float" in weight.dtype)
    if held != expected:
        raise outside.unfit_weights(
            f"{path} holds {held} numbers, and the network has {expected}: it is of another one"
        )
