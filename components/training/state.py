"""Everything that a training goes on from, as variables by names that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.training.optimizer import AdamW


class Keeper(Protocol):
    """Something on the host that remembers, in one array of one shape."""

    state: npt.NDArray[Any]


class State:
    """The state of a training: network (with the seed generators of its layers), optimizer, step, and what keepers on the
    host remember. Nothing else: the step alone decides which samples come next.

    Args:
        model: the network.
        optimizer: built for it.
        keepers: by names that stay.
    """

    def __init__(self, model: keras.Model, optimizer: AdamW, keepers: Mapping[str, Keeper]):
        self._keepers = keepers
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._kept = {name: tf.Variable(keeper.state, trainable=False) for name, keeper in keepers.items()}
        # By number: Keras counts names on in a process, so that the same layer may be called otherwise the next time.
        self.variables: dict[str, tf.Variable | keras.Variable] = {
            **{f"model/{number}-{variable.name}": variable for number, variable in enumerate(model.variables)},
            **{f"adamw/{number}": variable for number, variable in enumerate(optimizer.variables)},
            "step": self._step,
            **self._kept,
        }

    def keep(self, step: int) -> None:
        """Brings the variables up to date; `step` is how many were done."""
        self._step.assign(step)
        for name, keeper in self._keepers.items():
            self._kept[name].assign(keeper.state)

    def take(self) -> int:
        """Brings the keepers up to what the variables hold; how many steps were done."""
        for name, keeper in self._keepers.items():
            keeper.state = np.array(self._kept[name].numpy())
        return int(self._step.numpy())
