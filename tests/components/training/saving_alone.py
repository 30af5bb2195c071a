"""Saving in a process of its own: what the tests of checkpoints start, to kill it, or to give it two devices.

`python saving_alone.py forever DIRECTORY` goes on from what it finds and saves until it is killed; it ends with 1 where what
it found is not what was saved. `python saving_alone.py mirrored DIRECTORY` saves and restores mirrored variables.
"""

from __future__ import annotations

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from components.training.saving import Checkpoints

MODULE = "tests.components.training.saving_alone"
VARIABLES, LENGTH = 20, 250_000  # 20 MB: a write takes long enough to be hit


def made(directory: pathlib.Path) -> tuple[dict[str, tf.Variable], Checkpoints]:
    """Variables that all have the number of the step, and their checkpoints."""
    variables = {f"model/{index}": tf.Variable(tf.zeros([LENGTH])) for index in range(VARIABLES)}
    variables["step"] = tf.Variable(0, dtype=tf.int64)
    return variables, Checkpoints(directory, variables=variables, identity={}, keep=2, keep_every_hours=None)


def holds(variables: dict[str, tf.Variable], step: int) -> bool:
    """Whether all of them are of that step."""
    return all(np.all(variable.numpy() == step) for variable in variables.values())


def forever(directory: pathlib.Path) -> None:
    variables, checkpoints = made(directory)
    step = checkpoints.restore().step or 0
    if not holds(variables, step):
        sys.exit(1)
    first = step + 1
    while True:
        step += 1
        for variable in variables.values():
            variable.assign(tf.cast(tf.fill(variable.shape, step), variable.dtype))
        checkpoints.save(step)
        if step > first:  # the first one is complete, as the second has waited for it
            (directory / "begun").touch()


def mirrored(directory: pathlib.Path) -> None:
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"], tf.distribute.ReductionToOneDevice())
    with strategy.scope():
        weights = keras.Variable(np.arange(3, dtype=np.float32), name="weights")
        step = tf.Variable(7, dtype=tf.int64)
        summed = tf.Variable(
            0.0, synchronization=tf.VariableSynchronization.ON_READ, aggregation=tf.VariableAggregation.SUM
        )
    variables = {"model/weights": weights, "step": step}
    saved = Checkpoints(directory, variables=variables, identity={}, keep=2, keep_every_hours=None)
    saved.restore()
    saved.save(7)
    weights.assign(np.zeros(3, np.float32))
    step.assign(8)
    again = Checkpoints(directory, variables=variables, identity={}, keep=2, keep_every_hours=None, writes=False)
    saved.wait()
    assert again.restore().step == 7
    for device in strategy.experimental_local_results(strategy.run(lambda: tf.identity(weights.value))):
        np.testing.assert_array_equal(device, [0, 1, 2])
    assert [int(copy) for copy in strategy.experimental_local_results(step)] == [7, 7]
    try:
        Checkpoints(directory, variables={"summed": summed}, identity={}, keep=2, keep_every_hours=None)
    except ValueError:
        return
    raise AssertionError("what no single copy holds was taken for state")


if __name__ == "__main__":
    {"forever": forever, "mirrored": mirrored}[sys.argv[1]](pathlib.Path(sys.argv[2]))
