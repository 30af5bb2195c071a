"""What the network's weights are made of: themselves, unless another computation of them is asked for.

Where they are made of others, the gradient is taken at the weights that the network has, and those others say what it means
for them. So a network learns with weights that are rounded or masked, for which there is no gradient of use: it is passed
straight through to floats behind them (Bengio, Leonard and Courville 2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
import tensorflow as tf


class Parametrisation(Protocol):
    """Weights that learn, and the network's weights as a function of them."""

    learnt: Sequence[keras.Variable]
    """What the optimizer moves: one for each of the network's trainable weights, in their order and of their shapes, and
    after these others, which weight decay spares."""

    variables: Mapping[str, tf.Variable | keras.Variable]
    """What a checkpoint holds besides network and optimizer, by names that stay."""

    identity: Mapping[str, str]
    """What a checkpoint must be of besides."""

    def show(self, step: int) -> None:
        """Gives the network the weights that it has once so many steps are done."""

    def pull_back(self, gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """The gradients of what is learnt, given those of the network's trainable weights; traced into a graph."""


class Direct:
    """The network's weights themselves learn.

    Args:
        model: the network.
    """

    def __init__(self, model: keras.Model):
        self.learnt: Sequence[keras.Variable] = model.trainable_variables
        self.variables: Mapping[str, tf.Variable | keras.Variable] = {}
        self.identity: Mapping[str, str] = {}

    def show(self, step: int) -> None:
        """They are there already."""

    def pull_back(self, gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """They are the same."""
        return gradients
