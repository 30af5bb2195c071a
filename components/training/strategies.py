"""The devices that a training runs on, as one of TensorFlow's distribution strategies."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.training.config import TrainingConfig
from schemas.errors import ConfigError

_FIRST_WITH_FAST_XLA = (2, 19)
"""On CPUs XLA made training slower before and faster from here on (docs/decisions/012-training.md)."""


def configure(config: TrainingConfig) -> tf.distribute.Strategy:
    """Sets devices and determinism up and makes the strategy; before TensorFlow does anything else.

    Raises:
        ConfigError: this machine lacks the devices.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    if config.strategy == "mirrored":
        return _mirrored(config, len(gpus))
    if config.strategy == "multi_worker":
        implementation = tf.distribute.experimental.CommunicationImplementation
        chosen = {"auto": implementation.AUTO, "ring": implementation.RING, "nccl": implementation.NCCL}
        if config.communication == "nccl" and not gpus:
            raise ConfigError(
                "NCCL sums gradients between GPUs, and there is none",
                where="training.communication",
                remedy="set it to auto or ring",
            )
        options = tf.distribute.experimental.CommunicationOptions(implementation=chosen[config.communication])
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    return tf.distribute.get_strategy()


def _mirrored(config: TrainingConfig, gpus: int) -> tf.distribute.Strategy:
    if gpus:
        if config.devices > gpus:
            raise ConfigError(
                f"{config.devices} devices are asked for, and there are {gpus} GPUs",
                where="training.devices",
                remedy=f"set it to {gpus} or less",
            )
        return tf.distribute.MirroredStrategy([f"/gpu:{index}" for index in range(config.devices)])
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * config.devices)
    devices = [f"/cpu:{index}" for index in range(config.devices)]
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())


def compiles(config: TrainingConfig) -> bool:
    """Whether the gradient is compiled by XLA."""
    if config.xla is not None:
        return config.xla
    if tf.config.list_physical_devices("GPU"):
        return True
    major, minor = (int(part) for part in tf.__version__.split(".")[:2])
    return (major, minor) >= _FIRST_WITH_FAST_XLA


def local(variable: keras.Variable) -> tf.Variable:
    """This process's first copy of a variable."""
    value = variable.value
    return value.values[0] if hasattr(value, "values") else value
