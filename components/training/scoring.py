"""What a network says of samples: how likely each token is, and which comes next."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.training import network
from components.training.examples import Examples

_AT_ONCE = 64


class Scorer:
    """A network, to be asked.

    Args:
        model: see `components.training.network`.
        image_size: side of its images, pixels.
    """

    def __init__(self, model: keras.Model, image_size: int):
        self._model = model
        plain = [
            tf.TensorSpec([None, None], tf.int32, "ids"),
            tf.TensorSpec([None, image_size, image_size, 3], tf.uint8, "image"),
            tf.TensorSpec([None], tf.float32, "has_image"),
        ]
        # Traced once, for every length: a shape of its own would cost seconds.
        self._score = tf.function(self._token_nll, input_signature=plain)
        self._next = tf.function(self._next_token, input_signature=plain)

    def token_nll(self, examples: Examples) -> npt.NDArray[np.float32]:
        """Negative log-likelihood of each token, nats, float32 `[samples, seq]`; zero for `BOS` and `PAD`."""
        found = np.zeros(examples.ids.shape, np.float32)
        order = np.argsort(examples.lengths(), kind="stable")  # like lengths together: less padding
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            batch = examples.take(chosen)
            ids = batch.ids[:, : int(batch.lengths().max())]
            found[chosen, : ids.shape[1]] = self._score(ids, batch.images, batch.has_image).numpy()
        return found

    def next_token(self, ids: npt.NDArray[np.int32], examples: Examples) -> npt.NDArray[np.int32]:
        """The likeliest token after rows of ids `[rows, tokens]`, given the samples' images; int32 `[rows]`."""
        found: npt.NDArray[np.int32] = self._next(ids, examples.images, examples.has_image).numpy()
        return found

    def _token_nll(self, ids, image, has_image):  # type: ignore[no-untyped-def]
        return network.token_nll(self._model, ids, _unit(image), has_image)

    def _next_token(self, ids, image, has_image):  # type: ignore[no-untyped-def]
        logits = self._model({"ids": ids, "image": _unit(image), "has_image": has_image})
        return tf.argmax(logits[:, -1], axis=-1, output_type=tf.int32)


def _unit(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image, tf.float32) / 255.0
