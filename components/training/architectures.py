"""Builds the network that `training.model` names."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import keras

from components.training.config import TrainingConfig
from components.training.gpt import Gpt
from components.training.network import Shape
from schemas.errors import ConfigError


def build(config: TrainingConfig, shape: Shape) -> keras.Model:
    """The network, its weights made, in the precision that the caller has set.

    Raises:
        ConfigError: it cannot be built for that shape, or its weights cannot be read.
    """
    try:
        model = Gpt(
            config.gpt,
            vocabulary=shape.vocabulary,
            tokens=shape.tokens,
            image_size=shape.image_size,
            recompute=config.recompute,
        )
    except ValueError as error:
        raise ConfigError(str(error), where=f"training.{config.model}") from error
    if config.weights is not None:
        _load(model, pathlib.Path(config.weights))
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


def _load(model: keras.Model, path: pathlib.Path) -> None:
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"its weights cannot be read from {path}: {error}",
            where="training.weights",
            remedy="name a file that `save_weights` of the same network wrote, ending in .weights.h5",
        ) from error
