"""The training loop: a step over one or several devices, the curve, checkpoints, and going on from one."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import time

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.augmentation.image import on_the_fly
from components.augmentation.image.config import ImageAugmentation
from components.training import measuring
from components.training.checkpoints import Checkpoints
from components.training.config import TrainingConfig
from components.training.examples import Examples
from components.training.gpt import Gpt
from components.training.optimizer import AdamW
from components.training.report import Curve, Point
from components.training.sampler import Sampler
from components.transform.config import TransformConfig
from schemas import progress
from schemas.errors import HeadraceError, IntegrityError
from serving import sequence

NODE = "Train"
_SCORED_AT_ONCE = 64


class DivergedError(HeadraceError):
    """The loss is not a number any more."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        resumed_from_step: the checkpoint that it went on from, or None.
        note: what was damaged and passed over, or None.
        tokens_per_s: over the steps of this attempt; None where none was left to do.
        checkpoint: path of the last checkpoint, as `tf.train` names it.
    """

    resumed_from_step: int | None
    note: str | None
    tokens_per_s: float | None
    checkpoint: str


class Trainer:
    """A model, its optimizer and the devices that they live on.

    Args:
        config: how to train.
        budgets: how much of a sample the model sees.
        vocabulary: number of token ids.
        seed: all randomness comes from it.
        variation: how the images that are learnt from are varied in each step; None if they are not.
    """

    def __init__(
        self,
        config: TrainingConfig,
        budgets: TransformConfig,
        *,
        vocabulary: int,
        seed: int,
        variation: ImageAugmentation | None = None,
    ):
        self.config, self._seed, self._variation = config, seed, variation
        self._strategy = _strategy(config)
        keras.utils.set_random_seed(seed)
        with self._strategy.scope():
            self.model = Gpt(
                config.gpt,
                vocabulary=vocabulary,
                tokens=sequence.length(budgets.text_tokens, budgets.code_tokens),
                image_size=budgets.image_size,
            )
            self._weights = self.model.trainable_variables
            self.optimizer = AdamW(config)
            self.optimizer.exclude_from_weight_decay(
                [weight for weight in self._weights if len(weight.shape) < 2 or weight.name in self.model.tables]
            )
            self.optimizer.build(self._weights)
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._seed_kept = tf.Variable(seed, dtype=tf.int64, trainable=False, name="seed")
        size = budgets.image_size
        batch = [
            tf.TensorSpec([None, None], tf.int32, "ids"),
            tf.TensorSpec([None, size, size, 3], tf.uint8, "images"),
            tf.TensorSpec([None], tf.float32, "has_image"),
        ]
        weights = tf.TensorSpec([None], tf.float32, "weights")
        # Traced once, for every length: a shape of its own would cost seconds.
        self._train_step = tf.function(
            self._distributed_step, input_signature=[*batch, weights, tf.TensorSpec([], tf.int64, "step")]
        )
        self._score_batch = tf.function(self._token_nll, input_signature=batch)
        self._vary_images = tf.function(
            lambda images, keys, flips: on_the_fly.vary(images, keys, flips, variation or ImageAugmentation()),
            input_signature=[batch[1], tf.TensorSpec([None, 3], tf.int64), tf.TensorSpec([None], tf.bool)],
        )

    def fit(self, train: Examples, held_out: Examples, directory: pathlib.Path) -> Trained:
        """Trains to the last step, from the newest whole checkpoint in the directory if there is one.

        Args:
            train: what to learn from.
            held_out: what the curve is measured on.
            directory: of checkpoints and curve; kept until the caller has the model.

        Raises:
            IntegrityError: the directory holds another training, or nothing that can be read.
            DivergedError: the loss is not a number.
        """
        config = self.config
        checkpoints = Checkpoints(
            directory / "checkpoints",
            keep=config.keep_checkpoints,
            model=self.model,
            optimizer=self.optimizer,
            step=self._step,
            seed=self._seed_kept,
        )
        note = checkpoints.restore()
        if int(self._seed_kept) != self._seed:
            raise IntegrityError("the checkpoint is of another seed", where=str(directory), remedy="remove it")
        first = int(self._step)
        curve = Curve(directory / "metrics.jsonl")
        curve.go_on_from(first)
        sampler = Sampler(train.lengths(), batch_size=config.batch_size, seed=self._seed)
        watched = held_out.take(_spread(len(held_out), config.curve_samples))
        logs = tf.summary.create_file_writer(str(directory / "logs"))
        progress.start(NODE, "training", total=config.steps, unit="steps")
        progress.update(NODE, first)
        tokens, spent_s = 0, 0.0
        since = _Since()
        for step in range(first, config.steps):
            done = step + 1
            batch = self._varied(train.take(sampler.batch(step)), step)
            since.add(*self._run(batch, step), batch)
            progress.update(NODE, done)
            if done % config.evaluate_every_steps == 0 or done == config.steps:
                tokens, spent_s = tokens + since.tokens, spent_s + since.seconds
                point = self._point(done, since, watched)
                curve.add(point)
                _log_to_tensorboard(logs, point)
                since = _Since()
            if done % config.checkpoint_every_steps == 0 or done == config.steps:
                self._step.assign(done)
                checkpoints.save(done)
        return Trained(first or None, note, tokens / spent_s if spent_s else None, checkpoints.latest)

    def token_nll(self, examples: Examples) -> npt.NDArray[np.float32]:
        """Negative log-likelihood of each token, nats, float32 `[samples, seq]`; zero for `BOS` and `PAD`."""
        found = np.zeros(examples.ids.shape, np.float32)
        order = np.argsort(examples.lengths(), kind="stable")  # like lengths together: less padding
        for start in range(0, len(order), _SCORED_AT_ONCE):
            chosen = order[start : start + _SCORED_AT_ONCE]
            batch = examples.take(chosen)
            ids = _trimmed(batch)
            found[chosen, : ids.shape[1]] = self._score_batch(ids, batch.images, batch.has_image).numpy()
        return found

    def _varied(self, batch: Examples, step: int) -> Examples:
        """The batch as it is learnt from in a step."""
        if self._variation is None:
            return batch
        keys = np.stack([np.full_like(batch.keys, self._seed), batch.keys, np.full_like(batch.keys, step)], axis=1)
        return dataclasses.replace(batch, images=self._vary_images(batch.images, keys, batch.flips).numpy())

    def _run(self, batch: Examples, step: int) -> tuple[float, int]:
        """One update; the loss in nats a token, and how many tokens.

        Raises:
            DivergedError: the loss is not a number.
        """
        ids = _trimmed(batch)
        loss = float(self._train_step(ids, batch.images, batch.has_image, batch.weights, step))
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss}", where=f"step {step + 1}", remedy="lower training.learning_rate and run again"
            )
        return loss, int((ids[:, 1:] != sequence.PAD).sum())

    def _distributed_step(self, ids, images, has_image, weights, step):  # type: ignore[no-untyped-def]
        losses = self._strategy.run(self._replica_step, args=(ids, images, has_image, weights, step))
        return self._strategy.reduce("SUM", losses, axis=None)

    def _replica_step(self, ids, images, has_image, weights, step):  # type: ignore[no-untyped-def]
        """Each replica takes its share of the batch; its loss is of the weighted mean over the whole batch's tokens."""
        counts = ids[:, 1:] != sequence.PAD
        of_tokens = weights[:, None] * tf.cast(counts, tf.float32)
        replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
        share = tf.shape(ids)[0] // self._strategy.num_replicas_in_sync
        mine = slice(replica * share, (replica + 1) * share)
        with tf.GradientTape() as tape:
            nll = self.model.log_likelihood_loss(
                ids[mine], _unit(images[mine]), has_image[mine], seed=self._dropout_seed(step, replica)
            )
            loss = tf.reduce_sum(nll * tf.boolean_mask(of_tokens[mine], counts[mine])) / tf.reduce_sum(of_tokens)
        gradients = tape.gradient(loss, self._weights)
        self.optimizer.apply([tf.convert_to_tensor(gradient) for gradient in gradients], self._weights)
        return loss

    def _dropout_seed(self, step: tf.Tensor, replica: tf.Tensor) -> tf.Tensor:
        """Of all randomness in a step on a replica, int64 `[2]`; each block of the network counts on from it."""
        replicas, draws = self._strategy.num_replicas_in_sync, self.config.gpt.depth
        return tf.stack([self._seed_kept, (step * replicas + tf.cast(replica, tf.int64)) * draws])

    def _token_nll(self, ids, images, has_image):  # type: ignore[no-untyped-def]
        return self.model.token_nll(ids, _unit(images), has_image)

    def _point(self, done: int, since: _Since, watched: Examples) -> Point:
        tokens_per_s = since.tokens / since.seconds
        return Point(
            step=done,
            loss=since.nll / since.tokens,
            learning_rate=float(self.optimizer.learning_rate),
            train_bits_per_byte=since.nll / math.log(2) / max(1, since.bytes),
            held_out_bits_per_byte=measuring.bits_per_byte(self.token_nll(watched), watched),
            tokens_per_s=tokens_per_s,
        )


class _Since:
    """What was learnt from since the last point of the curve."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.nll, self.tokens, self.bytes = 0.0, 0, 0

    def add(self, loss: float, tokens: int, batch: Examples) -> None:
        self.nll += loss * tokens
        self.tokens += tokens
        self.bytes += int(batch.sizes.sum())

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def _strategy(config: TrainingConfig) -> tf.distribute.Strategy:
    if config.strategy == "none":
        return tf.distribute.get_strategy()
    devices = [f"/cpu:{index}" for index in range(config.devices)]
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())


def _trimmed(batch: Examples) -> npt.NDArray[np.int32]:
    """The ids without the padding that all have."""
    return batch.ids[:, : int(batch.lengths().max())]


def _unit(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(images, tf.float32) / 255.0


def _log_to_tensorboard(writer: tf.summary.SummaryWriter, point: Point) -> None:
    with writer.as_default(step=point.step):
        for name, value in dataclasses.asdict(point).items():
            if name != "step" and value is not None:
                tf.summary.scalar(name, value)
    writer.flush()


def _spread(samples: int, wanted: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, samples - 1, min(samples, wanted)).astype(np.int64))
