"""The two networks: a text and an image become points on one unit sphere.

The text tower averages the vectors of hashed words and trigrams; the image tower is a small convolutional network. Both
end in a projection to the shared space (Radford and others 2021, CLIP, section 2.4). A text without a word is zero, which
is like nothing.
"""

from __future__ import annotations

import hashlib

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.dual_encoder import features
from components.dual_encoder.config import TowersConfig

_STAGES = (1, 2, 3, 4)  # channels of each, in units of the first's


class Towers:
    """Both networks, with their weights drawn at random.

    Args:
        config: their sizes.
        seed: of the random weights and of the dropout.
        dropout: share of an image's last channels left out while training.
    """

    def __init__(self, config: TowersConfig, *, seed: int, dropout: float = 0.0):
        self.config = config
        initial = _Initial(seed)
        self.text = _text_tower(config, initial)
        self.image = _image_tower(config, initial, dropout)

    @property
    def variables(self) -> list[keras.Variable]:
        """All weights, in a fixed order."""
        return [*self.text.weights, *self.image.weights]

    def count(self) -> int:
        """How many numbers the weights are."""
        return sum(int(np.prod(variable.shape)) for variable in self.variables)

    def weights(self) -> npt.NDArray[np.float32]:
        """All weights in a row, float32 `[count()]`."""
        return np.concatenate([np.asarray(variable.numpy(), np.float32).ravel() for variable in self.variables])

    def set_weights(self, weights: npt.NDArray[np.float32]) -> None:
        """Takes weights that `weights()` gave, float32 `[count()]`."""
        at = 0
        for variable in self.variables:
            size = int(np.prod(variable.shape))
            variable.assign(weights[at : at + size].reshape(variable.shape))
            at += size

    def digest(self) -> str:
        """The canonical digest of the weights, hexadecimal: of their names, shapes and bits."""
        digest = hashlib.sha256()
        for variable in self.variables:
            value = np.ascontiguousarray(variable.numpy(), np.float32)
            digest.update(f"{variable.path}{value.shape}".encode() + value.tobytes())
        return digest.hexdigest()


class _Initial:
    """Seeds, one for each layer that draws its weights."""

    def __init__(self, seed: int):
        self._numbers = np.random.Generator(np.random.Philox(key=seed))

    def uniform(self) -> keras.initializers.Initializer:
        return keras.initializers.HeUniform(seed=self.seed())

    def seed(self) -> int:
        return int(self._numbers.integers(2**31))


def _text_tower(config: TowersConfig, initial: _Initial) -> keras.Model:
    ids = keras.Input([config.text_features], dtype="int32", name="ids")
    table = keras.layers.Embedding(
        config.buckets + 1,
        config.text_width,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=initial.seed()),
        name="table",
    )
    present = keras.ops.cast(keras.ops.not_equal(ids, features.PADDING), "float32")[..., None]
    # Divided by the root of their number, so that a short text and a long one are vectors of like length.
    bag = keras.ops.sum(table(ids) * present, axis=1) / keras.ops.sqrt(keras.ops.sum(present, axis=1) + 1.0)
    hidden = keras.layers.Dense(
        2 * config.dim, activation="gelu", kernel_initializer=initial.uniform(), name="text_hidden"
    )(bag)
    projected = keras.layers.Dense(config.dim, kernel_initializer=initial.uniform(), name="text_projection")(hidden)
    told = keras.ops.max(present, axis=1)
    return keras.Model(ids, _on_sphere(projected) * told, name="text_tower")


def _image_tower(config: TowersConfig, initial: _Initial, dropout: float) -> keras.Model:
    image = keras.Input([config.image_size, config.image_size, 3], dtype="uint8", name="image")
    # Emoji lie on white: white is zero, as is the padding at the edges.
    hidden = 1.0 - keras.ops.cast(image, "float32") / 255.0
    for stage, times in enumerate(_STAGES):
        hidden = keras.layers.Conv2D(
            config.image_width * times,
            5 if stage == 0 else 3,
            strides=2,
            padding="same",
            kernel_initializer=initial.uniform(),
            name=f"convolution_{stage}",
        )(hidden)
        hidden = keras.layers.LayerNormalization(name=f"norm_{stage}")(hidden)
        hidden = keras.layers.Activation("gelu", name=f"gelu_{stage}")(hidden)
    pooled = keras.layers.Concatenate(name="pooled")(
        [
            keras.layers.GlobalAveragePooling2D(name="mean")(hidden),
            keras.layers.GlobalMaxPooling2D(name="highest")(hidden),
        ]
    )
    kept = keras.layers.Dropout(dropout, seed=initial.seed(), name="dropout")(pooled)
    projected = keras.layers.Dense(config.dim, kernel_initializer=initial.uniform(), name="image_projection")(kept)
    return keras.Model(image, _on_sphere(projected), name="image_tower")


def _on_sphere(vectors: tf.Tensor) -> tf.Tensor:
    return keras.layers.UnitNormalization(axis=-1)(vectors)
