"""A step in which the gradient of one device of two overflows float16: by our two halves, and by Keras's optimizer."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components import process
from components.training import examples, strategies
from components.training.config import GptConfig, TrainingConfig
from components.training.feeding import Feed
from components.training.guards import LossScale
from components.training.loop import Trainer
from components.training.steps import Steps
from tests.fixtures import transformed

MODULE = "tests.components.training.overflowing"


def work(job: dict[str, Any]) -> None:
    """Writes `weights.npz`: `first`, `ours` and `keras` (weights of one layer), `norm` and `loss` of the step of ours."""
    config = TrainingConfig(
        gpt=GptConfig(width=16, depth=1, heads=2),
        batch_size=4,
        precision="mixed_float16",
        strategy="mirrored",
        devices=2,
        warmup_steps=0,
    )
    strategy = strategies.configure(config)
    split = examples.load(str(transformed.made().examples / "Split-train"), transformed.BUDGETS)
    trainer = Trainer(config, transformed.BUDGETS, vocabulary=512, seed=0, strategy=strategy)
    feed = Feed(config, split, model=trainer.model, shape=trainer.shape, seed=0, compiled=False, variation=None)
    steps = Steps(trainer.model, trainer.optimizer, config, strategy=strategy, specs=feed.specs, xla=False)
    learnt = trainer.model.blocks[0].expand.kernel
    first = strategies.local(learnt).numpy()
    batch = feed.batch(0)
    # The first device has nothing to learn in this step, so its gradient is zero however the loss is scaled.
    one_sided = dataclasses.replace(batch, weights=batch.weights * np.array([[0], [0], [1], [1]], np.float32))
    scale = LossScale(used=True)
    scale.state = np.array([2.0**60, 0.0])
    overflowing = steps.gradient(one_sided, scale=scale.value)
    while not np.isfinite(steps.gradient(one_sided, scale=scale.value).norm):
        assert scale.overflowed()
    steps.update(steps.gradient(one_sided, scale=scale.value))
    np.savez(
        pathlib.Path(job["directory"], "weights.npz"),
        first=first,
        ours=strategies.local(learnt).numpy(),
        norm=overflowing.norm,
        loss=overflowing.loss,
        keras=_by_keras(strategy),
    )


def _by_keras(strategy: tf.distribute.Strategy) -> np.ndarray:
    with strategy.scope():
        weight = keras.Variable(np.ones(4, np.float32))
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0)
        optimizer.build([weight])

    @tf.function
    def step() -> None:
        def on_replica() -> None:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.where(tf.equal(number, 1), tf.fill([4], np.inf), tf.ones([4]))
            optimizer.apply([gradient], [weight])

        strategy.run(on_replica)

    step()
    found: np.ndarray = strategies.local(weight).numpy()
    return found


if __name__ == "__main__":
    process.main(work)
