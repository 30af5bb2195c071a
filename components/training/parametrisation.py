"""What the network's weights are made of: themselves, unless another computation of them is asked for.

Where they are made of others, those are learnt by the gradient at the weights that the network has: what lies between is
passed straight through (Bengio, Leonard and Courville 2013). So a network learns with weights that are rounded or masked,
for which there is no gradient of use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
import tensorflow as tf


class Parametrisation(Protocol):
    """Weights that learn, and the network's weights as a function of them."""

    learnt: Sequence[keras.Variable]
    """What the optimizer moves: one for each of the network's trainable weights, in their order and of their shapes."""

    variables: Mapping[str, tf.Variable | keras.Variable]
    """What a checkpoint holds besides network and optimizer, by names that stay."""

    identity: Mapping[str, str]
    """What a checkpoint must be of besides."""

    def show(self, step: int) -> None:
        """Gives the network the weights that it has once so many steps are done."""


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
