"""Everything that a training goes on from, as variables by names that stay."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.training.guards import LossScale, SpikeDetector
from components.training.optimizer import AdamW


class State:
    """The state of a training: network (with the seed generators of its layers), optimizer, step, loss scale, and what the
    spike detector has seen. Nothing else: the step alone decides which samples come next.

    Args:
        model: the network.
        optimizer: built for it.
        spikes: what watches the loss.
        scale: of the loss.
    """

    def __init__(self, model: keras.Model, optimizer: AdamW, spikes: SpikeDetector, scale: LossScale):
        self._spikes, self._scale = spikes, scale
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._seen = tf.Variable(spikes.seen, trainable=False)
        self._scaling = tf.Variable(scale.state, trainable=False)
        # By number: Keras counts names on in a process, so that the same layer may be called otherwise the next time.
        self.variables: dict[str, tf.Variable | keras.Variable] = {
            **{f"model/{number}-{variable.name}": variable for number, variable in enumerate(model.variables)},
            **{f"adamw/{number}": variable for number, variable in enumerate(optimizer.variables)},
            "step": self._step,
            "spikes": self._seen,
            "loss_scale": self._scaling,
        }

    def keep(self, step: int) -> None:
        """Brings the variables up to date; `step` is how many were done."""
        self._step.assign(step)
        self._seen.assign(self._spikes.seen)
        self._scaling.assign(self._scale.state)

    def take(self) -> int:
        """Brings everything else up to what the variables hold; how many steps were done."""
        self._spikes.seen = np.array(self._seen.numpy())
        self._scale.state = np.array(self._scaling.numpy())
        return int(self._step.numpy())
