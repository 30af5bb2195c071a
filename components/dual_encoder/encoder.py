"""The trained encoder as it is stored and used: texts and images in, vectors out.

Stored are `encoder.json`, which says what the networks are and how well they did, and `weights.npy`, all weights in a row.
Loading runs nothing that is stored: the networks are built here, and take the numbers if there are exactly as many as
they need and their digest is the recorded one.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.dual_encoder import features
from components.dual_encoder.card import FILE_NAME as CARD_FILE_NAME
from components.dual_encoder.card import Card
from components.dual_encoder.towers import Towers
from schemas import storage
from schemas.errors import IntegrityError

WEIGHTS_FILE_NAME = "weights.npy"
_AT_ONCE = 256
_REMEDY = "run the node that trains it again"


class DualEncoder:
    """Both towers, ready to use.

    Args:
        towers: the networks.
    """

    def __init__(self, towers: Towers):
        self.towers = towers
        config = towers.config
        size = config.image_size
        self._text = _inference(towers.text, tf.TensorSpec([None, config.text_features], tf.int32))
        self._image = _inference(towers.image, tf.TensorSpec([None, size, size, 3], tf.uint8))

    @property
    def dim(self) -> int:
        """Size of the vectors."""
        return self.towers.config.dim

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Texts as points on the unit sphere, float32 `[n, dim]`; a text without a word is zero."""
        config = self.towers.config
        return self._encode(
            self._text, texts, lambda some: features.of_texts(some, buckets=config.buckets, limit=config.text_features)
        )

    def encode_images(self, images: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """PNG files as points on the unit sphere, float32 `[n, dim]`.

        Raises:
            SourceError: one cannot be read; it is named by its number.
        """
        size = self.towers.config.image_size
        return self._encode(self._image, images, lambda some: features.of_images(some, size=size))

    def encode_pixels(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Images already scaled, uint8 `[n, size, size, 3]`, as points on the unit sphere, float32 `[n, dim]`."""
        return self._encode(self._image, images, lambda some: some)

    def _encode(
        self, tower: Callable, items: Sequence | npt.NDArray[np.uint8], arrays: Callable
    ) -> npt.NDArray[np.float32]:
        parts = [tower(arrays(items[start : start + _AT_ONCE])).numpy() for start in range(0, len(items), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)


def save(directory: str | os.PathLike[str], towers: Towers, card: Card) -> None:
    """Writes the weights and then the card, without which there is no encoder; each whole or not at all.

    Raises:
        StorageError: the disk is full, or the directory cannot be written.
    """
    with storage.written_whole(pathlib.Path(directory, WEIGHTS_FILE_NAME)) as path:
        with path.open("wb") as file:
            np.save(file, towers.weights(), allow_pickle=False)
    card.write(directory)


def load(directory: str | os.PathLike[str]) -> DualEncoder:
    """The encoder in a directory.

    Raises:
        IntegrityError: there is none, its weights do not fit its card, or they are not those that were written.
    """
    card = Card.read(directory)
    path = pathlib.Path(directory, WEIGHTS_FILE_NAME)
    towers = Towers(card.towers, seed=0)
    wanted = towers.count()
    try:
        weights = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IntegrityError(f"no weights: {_first_line(error)}", where=str(path), remedy=_REMEDY) from error
    shape, kind = getattr(weights, "shape", None), getattr(weights, "dtype", None)
    if shape != (wanted,) or kind != np.float32:
        raise IntegrityError(
            f"the weights are {kind} {shape}, not the {wanted:,} of float32 that {CARD_FILE_NAME} asks for",
            where=str(path),
            remedy=_REMEDY,
        )
    towers.set_weights(weights)
    if towers.digest() != card.digest:
        raise IntegrityError(
            "the weights are not those that were written: their digest differs", where=str(path), remedy=_REMEDY
        )
    return DualEncoder(towers)


def _inference(tower: Callable, signature: tf.TensorSpec) -> Callable:
    return tf.function(lambda batch: tower(batch, training=False), input_signature=[signature])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
