"""What a network must be, so that Headrace trains, judges, compresses and serves it.

`training.model` names a function `build(shape)` that returns a Keras model, built, with this interface:

* `model(features, training=False)` gives float logits `[rows, tokens, vocabulary]`; those at a place are of the token
  *after* it. They must depend on tokens up to that place alone.
* `features` is a dict: `ids`, int32 `[rows, tokens]`, laid out as `serving.sequence` says and padded with `PAD`; `image`,
  float32 `[rows, size, size, 3]` in 0..1; `has_image`, float32 `[rows]`, 1 or 0: where 0, the image is black and means
  nothing; while training also `noise`, int32 `[rows]`, from which a layer may draw its randomness so that it does not
  depend on how rows are spread over devices.
* It may have `tables`, names of weights whose rows are looked up, which weight decay spares as it spares vectors
  (`embeddings`, as Keras's layer calls its own, are taken for that anyway); `tied`, those of them that are multiplied as
  well, as the head is that is the table of the tokens; and `packs = True` where it takes rows of several samples, as
  `components.training.packing` makes them.
* It may have `output_embedding`, a weight `[vocabulary, width]`, where its logits are hidden states times that,
  transposed, and `model(features, training, hidden=True)` gives those states `[rows, tokens, width]`. Then it learns faster and in less
  memory, since all logits are never held at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from components.training import linear_cross_entropy
from serving import sequence

Features = Mapping[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a network is built for.

    Attributes:
        vocabulary: number of token ids.
        tokens: longest sequence.
        image_size: side of its images, pixels.
    """

    vocabulary: int
    tokens: int
    image_size: int


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Negative log-likelihood of int32 `targets` `[...]`, nats, float32 whatever the logits `[..., vocabulary]` are.

    Not by TensorFlow's own operation, of which LiteRT makes a matrix as large as the logits and eight passes over it: two
    fifths of the time of a small decoder.
    """
    flat = tf.reshape(tf.cast(logits, tf.float32), [-1, logits.shape[-1]])
    places = tf.stack([tf.range(tf.shape(flat)[0]), tf.reshape(targets, [-1])], axis=1)
    largest = tf.stop_gradient(tf.reduce_max(flat, axis=1))
    total = largest + tf.math.log(tf.reduce_sum(tf.exp(flat - largest[:, None]), axis=1))
    return tf.reshape(total - tf.gather_nd(flat, places), tf.shape(targets))


def loss_sum(model: keras.Model, features: Features, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The cross-entropy of int32 `targets` `[rows, tokens]` while training, each times its weight; nats, float32 `[]`."""
    if not hasattr(model, "output_embedding"):
        return tf.reduce_sum(cross_entropy(targets, model(features, training=True)) * weights)
    hidden = model(features, training=True, hidden=True)
    places = tf.reshape(hidden, [-1, hidden.shape[-1]])
    embedding = tf.convert_to_tensor(model.output_embedding)
    return linear_cross_entropy.loss_sum(places, embedding, tf.reshape(targets, [-1]), tf.reshape(weights, [-1]))


def token_nll(model: keras.Model, ids: tf.Tensor, image: tf.Tensor, has_image: tf.Tensor) -> tf.Tensor:
    """Negative log-likelihood of each token in its place, nats.

    Returns:
        float32 as `ids`, `[rows, tokens]`; zero for `BOS` and `PAD`.
    """
    logits = model({"ids": ids[:, :-1], "image": image, "has_image": has_image})
    targets = ids[:, 1:]
    nll = tf.where(targets != sequence.PAD, cross_entropy(targets, logits), 0.0)
    return tf.pad(nll, [[0, 0], [1, 0]])


def tables(model: keras.Model) -> list[keras.Variable]:
    """The weights whose rows are looked up."""
    names = ("embeddings", *getattr(model, "tables", ()))
    return [weight for weight in model.trainable_variables if weight.name in names]


def spared(model: keras.Model) -> list[keras.Variable]:
    """The weights that weight decay spares: vectors, and tables."""
    return [weight for weight in model.trainable_variables if len(weight.shape) < 2] + tables(model)
