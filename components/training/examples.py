"""Transformed examples as arrays in memory, in the order of their ids, however they were written."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.augmentation.image.config import ImageAugmentation
from components.augmentation.image.varying import may_be_flipped
from components.transform.config import TransformConfig
from schemas.errors import SourceError
from serving import sequence

_FEATURES = {
    "text_ids": tf.io.RaggedFeature(tf.int64),
    "code_ids": tf.io.RaggedFeature(tf.int64),
    "text_bytes": tf.io.FixedLenFeature([], tf.int64),
    "code_bytes": tf.io.FixedLenFeature([], tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
    "sample_id": tf.io.FixedLenFeature([], tf.string),
    "weight": tf.io.FixedLenFeature([], tf.float32),
    "about": tf.io.FixedLenFeature([], tf.string),
}
_READ_AT_ONCE = 512


@dataclasses.dataclass(frozen=True)
class Examples:
    """A split.

    Attributes:
        ids: int32 `[samples, seq]`, laid out by `serving.sequence`.
        segments: int8 `[samples, seq]`, which ids are text (1) and code (2).
        sizes: int64 `[samples, 2]`, UTF-8 bytes of text and of code that the ids stand for.
        images: uint8 `[samples, size, size, 3]`, zeros where there is none.
        has_image: float32 `[samples]`, 1 or 0.
        weights: float32 `[samples]`, how much each counts in the loss.
        keys: int64 `[samples]`, of their ids: what the randomness of a sample depends on.
        flips: bool `[samples]`, whether the image may be mirrored.
        names: their ids, bytes `[samples]`.
    """

    ids: npt.NDArray[np.int32]
    segments: npt.NDArray[np.int8]
    sizes: npt.NDArray[np.int64]
    images: npt.NDArray[np.uint8]
    has_image: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    keys: npt.NDArray[np.int64]
    flips: npt.NDArray[np.bool_]
    names: npt.NDArray[np.bytes_]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: npt.NDArray[np.int64]) -> Examples:
        """Some of the samples."""
        return Examples(*(getattr(self, field.name)[indices] for field in dataclasses.fields(self)))

    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each sample, without padding, int64 `[samples]`."""
        counts: npt.NDArray[np.int64] = (self.ids != sequence.PAD).sum(1)
        return counts


def load(directory: str, budgets: TransformConfig, variation: ImageAugmentation | None = None) -> Examples:
    """Reads a split, sorted by id.

    Args:
        directory: its folder of gzipped TFRecord files.
        budgets: how much of a sample the model sees.
        variation: how images will be varied; None if they will not be.

    Raises:
        SourceError: it has no examples.
    """
    files = sorted(str(path) for path in pathlib.Path(directory).iterdir() if path.is_file())
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_READ_AT_ONCE)
    rows: list[tuple] = []
    for batch in dataset.map(lambda serialized: tf.io.parse_example(serialized, _FEATURES)):
        texts, codes = batch["text_ids"].to_list(), batch["code_ids"].to_list()
        sizes = np.stack([batch["text_bytes"].numpy(), batch["code_bytes"].numpy()], axis=1)
        columns = (batch[name].numpy() for name in ("image", "weight", "about"))
        rows += zip(batch["sample_id"].numpy(), texts, codes, sizes, *columns, strict=True)
    if not rows:
        raise SourceError(
            "a split has no examples", where=directory, remedy="bring more data, or change `alignment` fractions"
        )
    rows.sort(key=lambda row: row[0])
    ids, texts, codes, sizes, pictures, weights, about = zip(*rows, strict=True)
    laid = [
        sequence.layout(text, code, text_tokens=budgets.text_tokens, code_tokens=budgets.code_tokens)
        for text, code in zip(texts, codes, strict=True)
    ]
    size = budgets.image_size
    images = np.zeros((len(rows), size, size, 3), np.uint8)
    for place, picture in enumerate(pictures):
        if picture:
            images[place] = tf.io.decode_png(picture, channels=3).numpy()
    return Examples(
        ids=np.stack([tokens for tokens, _ in laid]),
        segments=np.stack([segments for _, segments in laid]).astype(np.int8),
        sizes=np.stack(sizes),
        images=images,
        has_image=np.array([bool(picture) for picture in pictures], np.float32),
        weights=np.array(weights, np.float32),
        keys=np.array([_key(sample_id) for sample_id in ids], np.int64),
        flips=np.array([variation is not None and may_be_flipped([text.decode()], variation) for text in about]),
        names=np.array(ids),
    )


def _key(sample_id: bytes) -> int:
    return int.from_bytes(hashlib.sha256(sample_id).digest()[:8], "big", signed=True)
