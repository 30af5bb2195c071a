"""The training: pairs are told from all other pairs of their step by the symmetric InfoNCE loss.

Radford and others 2021 (CLIP), figure 3; van den Oord and others 2018, equation 4. All randomness depends on seed and
step.
"""

from __future__ import annotations

import math
import zlib

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.dual_encoder import features
from components.dual_encoder.config import DualEncoderConfig
from components.dual_encoder.pairs import Pairs
from components.dual_encoder.towers import Towers
from schemas import progress
from schemas.errors import HeadraceError

NODE = "TrainDualEncoder"
_TEMPERATURE, _LOWEST_TEMPERATURE = 0.07, 0.01  # CLIP, section 2.5
_CLIP_NORM = 1.0
_WARM_UP = 0.1
_MOST_LINES = 8
_WHITE = 255
_ORDER, _STEP = 0, 1  # streams of randomness


class DivergedError(HeadraceError):
    """The loss is not a number any more."""


def fit(pairs: Pairs, config: DualEncoderConfig, *, seed: int) -> Towers:
    """Trains both towers.

    Args:
        pairs: at least two.
        config: how.
        seed: all randomness comes from it.

    Raises:
        DivergedError: the loss is not a number.
    """
    learner = Learner(config, seed)
    learn(learner, Batches(pairs, config, seed), steps=config.steps)
    return learner.towers


def learn(learner: Learner, batches: Batches, *, steps: int) -> None:
    """Takes all steps.

    Raises:
        DivergedError: the loss is not a number.
    """
    progress.start(NODE, "training", total=steps, unit="steps")
    for step in range(steps):
        loss = float(learner.step(*batches.batch(step)))
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss}", where=f"step {step + 1}", remedy="lower the learning_rate")
        progress.update(NODE, step + 1)


def loss_of(images: tf.Tensor, texts: tf.Tensor, scale: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Symmetric InfoNCE, nats a pair.

    Args:
        images: float32 `[batch, dim]` on the unit sphere.
        texts: float32 `[batch, dim]`, the own text of each image.
        scale: what similarities are multiplied by, one over the temperature.
        keys: int64 `[batch]`, of the texts: an equal text of another pair is not told from the own one.
    """
    alike = tf.equal(keys[:, None], keys[None, :]) & ~tf.eye(tf.shape(keys)[0], dtype=tf.bool)
    logits = tf.where(alike, tf.float32.min, scale * tf.matmul(images, texts, transpose_b=True))
    own = tf.range(tf.shape(keys)[0])
    of_images = tf.nn.sparse_softmax_cross_entropy_with_logits(own, logits)
    of_texts = tf.nn.sparse_softmax_cross_entropy_with_logits(own, tf.transpose(logits))
    return tf.reduce_mean(of_images + of_texts) / 2


class Learner:
    """Towers, temperature and optimizer.

    Args:
        config: how to train.
        seed: of the towers' weights.
    """

    def __init__(self, config: DualEncoderConfig, seed: int):
        self.towers = Towers(config.towers, seed=seed, dropout=config.dropout)
        self._scale = keras.Variable(math.log(1 / _TEMPERATURE), name="log_scale", dtype="float32")
        self._learnt = [
            *self.towers.text.trainable_variables,
            *self.towers.image.trainable_variables,
            self._scale,
        ]
        warm = max(1, round(config.steps * _WARM_UP))
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, config.steps - warm), warmup_target=config.learning_rate, warmup_steps=warm
        )
        self._optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=config.weight_decay, beta_2=0.98, global_clipnorm=_CLIP_NORM
        )
        self._optimizer.exclude_from_weight_decay([weight for weight in self._learnt if len(weight.shape) < 2])
        self._optimizer.build(self._learnt)
        size = config.towers.image_size
        self.step = tf.function(
            self._step,
            input_signature=[
                tf.TensorSpec([config.batch_size, size, size, 3], tf.uint8, "images"),
                tf.TensorSpec([config.batch_size, config.towers.text_features], tf.int32, "ids"),
                tf.TensorSpec([config.batch_size], tf.int64, "keys"),
            ],
        )

    def _step(self, images, ids, keys):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            scale = tf.exp(tf.minimum(self._scale.value, -math.log(_LOWEST_TEMPERATURE)))
            loss = loss_of(self.towers.image(images, training=True), self.towers.text(ids, training=True), scale, keys)
        gradients = tape.gradient(loss, [weight.value for weight in self._learnt])
        self._optimizer.apply([tf.convert_to_tensor(gradient) for gradient in gradients], self._learnt)
        return loss


class Batches:
    """What each step sees, a function of seed and step.

    Within an epoch every pair comes once, but for a remainder smaller than a batch.

    Args:
        pairs: what to learn from; where they are fewer than a batch, some come more than once in it.
        config: how big a batch is, and how pairs are varied.
        seed: of order and variation.
    """

    def __init__(self, pairs: Pairs, config: DualEncoderConfig, seed: int):
        self._images = pairs.images
        self._config = config
        self._seed = seed
        self._keys: list[list[int]] = []
        told: list[str] = []
        self._first: list[int] = []
        for text in pairs.texts:
            own = _tellings(text)
            self._first.append(len(told))
            told += own
            self._keys.append([zlib.crc32(one.encode("utf-8", "surrogatepass")) for one in own])
        towers = config.towers
        self._features = features.of_texts(told, buckets=towers.buckets, limit=towers.text_features)

    def batch(self, step: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Images, features of their texts, and keys of these."""
        config = self._config
        rows = self._rows(step)
        random = self._random(_STEP, step)
        moves = random.integers(-config.shift, config.shift + 1, size=(len(rows), 2))
        gains = 1.0 + config.colour * random.uniform(-1.0, 1.0, size=(len(rows), 1, 1, 3))
        moved = np.stack([_moved(self._images[row], *move) for row, move in zip(rows, moves, strict=True)])
        # White stays white: it is what lies around the thing.
        ink = np.clip((_WHITE - moved.astype(np.float32)) * gains, 0, _WHITE)
        images: npt.NDArray[np.uint8] = (_WHITE - np.round(ink)).astype(np.uint8)
        chosen, keys = [], []
        for row, share, which in zip(rows, *random.uniform(size=(2, len(rows))), strict=True):
            own = self._keys[row]
            one = 0 if share >= config.line_share else int(which * len(own))
            chosen.append(self._first[row] + one)
            keys.append(own[one])
        ids = self._features[chosen]
        ids = np.where(random.uniform(size=ids.shape) < config.dropout, features.PADDING, ids).astype(np.int32)
        return images, ids, np.array(keys, np.int64)

    def _rows(self, step: int) -> npt.NDArray[np.int64]:
        count, size = len(self._images), self._config.batch_size
        epoch, place = divmod(step, max(1, count // size))
        order = self._random(_ORDER, epoch).permutation(count)
        return np.resize(order[place * size : (place + 1) * size], size)

    def _random(self, stream: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed, 2 * number + stream]))


def _tellings(text: str) -> list[str]:
    """What a text may be told as: the whole, and its lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [text, *(lines[:_MOST_LINES] if len(lines) > 1 else ())]


def _moved(image: npt.NDArray[np.uint8], down: int, right: int) -> npt.NDArray[np.uint8]:
    """An image moved on white, uint8 `[size, size, 3]`."""
    size = len(image)
    found = np.full_like(image, _WHITE)
    found[max(down, 0) : size + min(down, 0), max(right, 0) : size + min(right, 0)] = image[
        max(-down, 0) : size + min(-down, 0), max(-right, 0) : size + min(-right, 0)
    ]
    return found
