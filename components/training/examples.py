"""Transformed examples as arrays in memory, in an order that does not depend on how they were written."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.transform.config import TransformConfig
from schemas.errors import SourceError
from serving import sequence

_FEATURES = {
    "text_ids": tf.io.RaggedFeature(tf.int64),
    "code_ids": tf.io.RaggedFeature(tf.int64),
    "text_bytes": tf.io.FixedLenFeature([], tf.int64),
    "code_bytes": tf.io.FixedLenFeature([], tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
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
    """

    ids: npt.NDArray[np.int32]
    segments: npt.NDArray[np.int8]
    sizes: npt.NDArray[np.int64]
    images: npt.NDArray[np.uint8]
    has_image: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: npt.NDArray[np.int64]) -> Examples:
        """Some of the samples."""
        return Examples(*(getattr(self, field.name)[indices] for field in dataclasses.fields(self)))

    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each sample, without padding, int64 `[samples]`."""
        counts: npt.NDArray[np.int64] = (self.ids != sequence.PAD).sum(1)
        return counts


def load(directory: str, budgets: TransformConfig) -> Examples:
    """Reads a split, sorted by content.

    Args:
        directory: its folder of gzipped TFRecord files.
        budgets: how much of a sample the model sees.

    Raises:
        SourceError: it has no examples.
    """
    files = sorted(str(path) for path in pathlib.Path(directory).iterdir() if path.is_file())
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_READ_AT_ONCE)
    rows: list[tuple] = []
    for batch in dataset.map(lambda serialized: tf.io.parse_example(serialized, _FEATURES)):
        texts, codes = batch["text_ids"].to_list(), batch["code_ids"].to_list()
        sizes = np.stack([batch["text_bytes"].numpy(), batch["code_bytes"].numpy()], axis=1)
        images = batch["image"].numpy()
        rows += zip(texts, codes, images, sizes, strict=True)
    if not rows:
        raise SourceError(
            "a split has no examples", where=directory, remedy="bring more data, or change `alignment` fractions"
        )
    rows.sort(key=lambda row: row[:3])
    laid = [
        sequence.layout(text, code, text_tokens=budgets.text_tokens, code_tokens=budgets.code_tokens)
        for text, code, _, _ in rows
    ]
    size = budgets.image_size
    images = np.zeros((len(rows), size, size, 3), np.uint8)
    for place, row in enumerate(rows):
        if row[2]:
            images[place] = tf.io.decode_png(row[2], channels=3).numpy()
    return Examples(
        ids=np.stack([ids for ids, _ in laid]),
        segments=np.stack([segments for _, segments in laid]).astype(np.int8),
        sizes=np.stack([row[3] for row in rows]),
        images=images,
        has_image=np.array([bool(row[2]) for row in rows], np.float32),
    )
