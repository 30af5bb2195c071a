"""AdamW as data-parallel training needs it: the gradient comes summed and clipped.

Keras sums by itself and clips what each device computed before the sum (3.6e-3 off in the weights after 20 steps on two
devices).
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from components.training.config import TrainingConfig

_BETA_1, _BETA_2 = 0.9, 0.98


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a straight line, then falls along a cosine (Loshchilov and Hutter 2017).

    Args:
        config: peak, warm-up, end and number of steps.
    """

    def __init__(self, config: TrainingConfig):
        super().__init__()
        self._config = config

    def __call__(self, step: Any) -> tf.Tensor:
        """The learning rate of a step, from 0 on."""
        config = self._config
        done = tf.cast(step, tf.float32)
        warm = tf.minimum(1.0, (done + 1) / max(1, config.warmup_steps))
        cosine = 0.5 * (1 + tf.cos(math.pi * tf.minimum(1.0, done / config.steps)))
        return config.learning_rate * warm * (config.final_learning_rate + (1 - config.final_learning_rate) * cosine)


class AdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter 2019) of gradients that were summed over all devices before.

    Args:
        config: learning rate and decay.
    """

    def __init__(self, config: TrainingConfig):
        super().__init__(
            WarmupCosine(config), weight_decay=config.weight_decay, beta_1=_BETA_1, beta_2=_BETA_2, name="adamw"
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """As Keras's, by one operation a weight: its dozen take twice the time on a CPU."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return grads_and_vars
