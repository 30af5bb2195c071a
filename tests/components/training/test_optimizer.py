"""AdamW does what Keras's does."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.training.config import TrainingConfig
from components.training.optimizer import AdamW, WarmupCosine

CONFIG = TrainingConfig(steps=30, warmup_steps=3, learning_rate=0.01)


def learnt(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    weights = [keras.Variable(random.normal(size=shape).astype(np.float32)) for shape in ((5, 7), (7,))]
    optimizer.exclude_from_weight_decay([weights[1]])
    optimizer.build(weights)

    @tf.function
    def step(gradients: list[tf.Tensor]) -> None:
        optimizer.apply(gradients, weights)

    for _ in range(30):
        step([tf.constant(random.normal(size=weight.shape).astype(np.float32)) for weight in weights])
    return [weight.numpy() for weight in weights]


def test_a_step_is_that_of_keras() -> None:
    keras_own = keras.optimizers.AdamW(
        WarmupCosine(CONFIG), weight_decay=CONFIG.weight_decay, beta_1=0.9, beta_2=0.98, epsilon=1e-7
    )
    for one, other in zip(learnt(AdamW(CONFIG)), learnt(keras_own), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
