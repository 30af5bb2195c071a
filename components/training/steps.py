"""One step of the training in two halves: the gradient over all devices, and the update.

Between them the host looks at loss and norm. So a step that overflowed or spiked is passed over without having touched
any state, and no device can decide otherwise than the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from components.training import network
from components.training.batches import Batch
from components.training.config import TrainingConfig
from components.training.optimizer import AdamW
from components.training.parametrisation import Direct, Parametrisation

Tensors = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Gradient:
    """What a batch says about the weights.

    Attributes:
        loss: weighted mean over the batch's tokens, nats.
        norm: of the gradient over all weights, before it was clipped.
        asked_to_stop: whether any of the workers was.
        values: the clipped gradient of each weight, on each device.
    """

    loss: float
    norm: float
    asked_to_stop: bool
    values: Any


class Steps:
    """Gradients and updates of a model.

    Args:
        model: see `components.training.network`.
        optimizer: built for what is learnt.
        config: batches, clipping.
        strategy: the devices; model and optimizer were made in its scope.
        specs: what the features of a batch are.
        xla: whether the gradient is compiled.
        parametrisation: what is moved by the gradient at the model's trainable weights; these themselves if None.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: AdamW,
        config: TrainingConfig,
        *,
        strategy: tf.distribute.Strategy,
        specs: dict[str, tf.TensorSpec],
        xla: bool,
        parametrisation: Parametrisation | None = None,
    ):
        self._model, self._optimizer, self._strategy, self._config = model, optimizer, strategy, config
        self._weights = model.trainable_variables
        self._parametrisation = parametrisation or Direct(model)
        # On the inner function alone: compiled as a whole, a step of several devices fails under every strategy.
        self._of_replica = tf.function(self._accumulated, jit_compile=True) if xla else self._accumulated
        rows = [None, None]
        self._gradient = tf.function(
            self._on_all,
            input_signature=[
                specs,
                tf.TensorSpec(rows, tf.int32, "targets"),
                tf.TensorSpec(rows, tf.float32, "weights"),
                tf.TensorSpec([], tf.float32, "scale"),
                tf.TensorSpec([], tf.float32, "stop"),
            ],
        )
        self._update = tf.function(lambda values: self._strategy.run(self._apply, args=(values,)))

    def gradient(self, batch: Batch, *, scale: float = 1.0, stop: bool = False) -> Gradient:
        """The gradient of a whole batch, which every worker is given whole.

        Args:
            batch: its rows are a multiple of the devices times `accumulate_steps`.
            scale: what the loss is multiplied by while the gradient is computed.
            stop: whether this worker was asked to stop.
        """
        results = self._gradient(batch.features, batch.targets, batch.weights, scale, float(stop))
        loss, norm, stopping = (float(self._strategy.experimental_local_results(value)[0]) for value in results[:3])
        return Gradient(loss, norm, stopping > 0, results[3])

    def update(self, gradient: Gradient) -> None:
        """Moves what is learnt."""
        self._update(gradient.values)

    def _apply(self, values: Sequence[tf.Tensor]) -> None:
        self._optimizer.apply(self._parametrisation.pull_back(values), self._parametrisation.learnt)

    def _on_all(self, features, targets, weights, scale, stop):  # type: ignore[no-untyped-def]
        return self._strategy.run(self._on_replica, args=(features, targets, weights, scale, stop))

    def _on_replica(self, features, targets, weights, scale, stop):  # type: ignore[no-untyped-def]
        """Each replica takes its share of the rows; its loss is of the weighted mean over the whole batch's tokens."""
        context = tf.distribute.get_replica_context()
        share = tf.shape(targets)[0] // self._strategy.num_replicas_in_sync
        first = tf.cast(context.replica_id_in_sync_group, tf.int32) * share
        mine = {name: value[first : first + share] for name, value in features.items()}
        loss, values = self._of_replica(
            mine, targets[first : first + share], weights[first : first + share], tf.reduce_sum(weights), scale
        )
        loss, stop, *values = context.all_reduce(tf.distribute.ReduceOp.SUM, [loss, tf.identity(stop), *values])
        norm = tf.linalg.global_norm(values) / scale
        shrink = tf.minimum(1.0, self._config.clip_norm / norm) / scale
        return loss, norm, stop, [value * shrink for value in values]

    def _accumulated(
        self, features: Tensors, targets: tf.Tensor, weights: tf.Tensor, total: tf.Tensor, scale: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Loss and gradients of a replica's rows, summed over `accumulate_steps` parts of them one after the other."""
        parts = self._config.accumulate_steps
        if parts == 1:
            return self._of_part(features, targets, weights, total, scale)

        def split(value: tf.Tensor) -> tf.Tensor:
            return tf.reshape(value, tf.concat([[parts, tf.shape(value)[0] // parts], tf.shape(value)[1:]], axis=0))

        features, targets, weights = (
            {name: split(value) for name, value in features.items()},
            split(targets),
            split(weights),
        )

        def add(part, loss, *values):  # type: ignore[no-untyped-def]
            of_part = {name: _kept_shape(value[part], value) for name, value in features.items()}
            more, gradients = self._of_part(of_part, targets[part], weights[part], total, scale)
            return (part + 1, loss + more, *(value + other for value, other in zip(values, gradients, strict=True)))

        zeros = [tf.zeros(weight.shape, tf.float32) for weight in self._weights]
        _, loss, *values = tf.while_loop(
            lambda part, *_: part < parts, add, (0, 0.0, *zeros), maximum_iterations=parts, parallel_iterations=1
        )
        return loss, values

    def _of_part(
        self, features: Tensors, targets: tf.Tensor, weights: tf.Tensor, total: tf.Tensor, scale: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        seen = {**features, "image": tf.cast(features["image"], tf.float32) / 255.0}
        with tf.GradientTape() as tape:
            loss = network.loss_sum(self._model, seen, targets, weights) / total
            scaled = loss * scale
        gradients = tape.gradient(scaled, self._weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return loss, [tf.convert_to_tensor(value) for value in gradients]


def _kept_shape(part: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(part, whole.shape[1:])
