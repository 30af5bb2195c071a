"""A small training over several workers as `components.training` does it: what the tests of the launcher start.

A linear model learns by momentum; gradients, loss and the wish to stop are summed over the ring in one step. Every fourth
state is saved by NumPy. Disturbances happen once each, to the worker and before the step that the job names.
"""

from __future__ import annotations

import os
import pathlib
import signal
import time
from typing import Any

import numpy as np
import tensorflow as tf

from components import process
from components.training import cluster
from components.training.watchdog import PEER_LOST, PREEMPTED, Preemption, Watchdog, end
from schemas import progress
from schemas.errors import ConfigError

MODULE = "tests.components.training.ring_worker"
NODE = "Toy"
ROWS, WIDTH, SAVE_EVERY = 8, 16, 4


def train(job: dict[str, Any]) -> None:
    """Trains, once after the other; each goes on from its last state.

    Args:
        job: `limit_s` of the watchdog; `trainings`, each `directory`, `steps` and `disturb`: triples of a signal's name,
            the worker that it comes to and the step before which.
    """
    here = cluster.read(os.environ)
    if here is None:
        raise ConfigError("there is no cluster", where="TF_CONFIG")
    tf.config.experimental.enable_op_determinism()
    with Watchdog(job["limit_s"], first_limit_s=60.0) as watchdog:
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.RING
        )
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        with Preemption() as preemption:
            try:
                model = Model(strategy)
                for training in job["trainings"]:
                    _train(model, training, here, preemption, watchdog)
            except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
                end(PEER_LOST, f"lost a peer: {type(error).__name__}")


class Model:
    """The weights, their momentum, and one step for both."""

    def __init__(self, strategy: tf.distribute.Strategy):
        with strategy.scope():
            self.weights, self.momentum = (tf.Variable(tf.zeros((WIDTH, WIDTH))) for _ in range(2))

        def gradient(inputs: Any, targets: Any, stop: Any) -> Any:
            return tf.matmul(inputs, inputs @ self.weights - targets, transpose_a=True) / ROWS, stop

        @tf.function
        def update(inputs: Any, targets: Any, stop: Any) -> Any:
            total, stops = (
                strategy.reduce("SUM", one, axis=None) for one in strategy.run(gradient, (inputs, targets, stop))
            )
            self.momentum.assign(0.9 * self.momentum + total)
            self.weights.assign_sub(0.05 * self.momentum)
            return stops

        self._update = update

    def step(self, inputs: np.ndarray, targets: np.ndarray, stop: bool) -> bool:
        """One step of all workers; whether any of them wants to stop after it."""
        return bool(self._update(tf.constant(inputs), tf.constant(targets), tf.constant(float(stop))) > 0)

    def save(self, directory: pathlib.Path, step: int) -> None:
        """Writes the state, and only then puts it in its place."""
        unfinished = directory / "unfinished"
        with unfinished.open("wb") as file:
            np.savez(file, weights=self.weights.numpy(), momentum=self.momentum.numpy())
        unfinished.rename(directory / f"{step:04d}.npz")

    def restore(self, directory: pathlib.Path) -> int:
        """Takes the newest state, or zeros; the step that it is after."""
        newest = max(directory.glob("*.npz"), default=None)
        zeros = np.zeros((WIDTH, WIDTH), np.float32)
        state = {"weights": zeros, "momentum": zeros} if newest is None else np.load(newest)
        self.weights.assign(state["weights"])
        self.momentum.assign(state["momentum"])
        return 0 if newest is None else int(newest.stem)


def _train(
    model: Model, training: dict[str, Any], here: cluster.Cluster, preemption: Preemption, watchdog: Watchdog
) -> None:
    directory = pathlib.Path(training["directory"])
    done = model.restore(directory)
    if here.is_chief:
        with (directory / "resumed").open("a") as resumed:
            resumed.write(f"{done} ")
        progress.start(NODE, "training", total=training["steps"], unit="steps")
    for step in range(done + 1, training["steps"] + 1):
        _disturb(training, here, directory, step)
        stop = model.step(*_share(step, here), stop=preemption.requested)
        watchdog.beat(step)
        progress.update(NODE, step)
        if here.is_chief and (stop or step % SAVE_EVERY == 0 or step == training["steps"]):
            model.save(directory, step)
        if stop:
            end(PREEMPTED, f"stopped after step {step}")


def _share(step: int, here: cluster.Cluster) -> tuple[np.ndarray, np.ndarray]:
    """This worker's rows of the step's batch, a function of the step alone."""
    inputs = np.random.default_rng((7, step)).standard_normal((ROWS, WIDTH), np.float32)
    mine = slice(here.index * ROWS // len(here.workers), (here.index + 1) * ROWS // len(here.workers))
    return inputs[mine], np.roll(inputs, 1, axis=1)[mine]


def _disturb(training: dict[str, Any], here: cluster.Cluster, directory: pathlib.Path, step: int) -> None:
    for name, worker, before in training["disturb"]:
        done = directory / f"{name}-{worker}-{before}"
        if (worker, before) == (here.index, step) and not done.exists():
            done.write_text(repr(time.time()))
            os.kill(os.getpid(), signal.Signals[name])
            time.sleep(1)  # until a thread has heard it


if __name__ == "__main__":
    process.main(train)
