"""Transformed examples in memory, and the batches of any training step."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.config import TransformConfig
from schemas.errors import SourceError
from serving import sequence

_READ_BATCH = 256
_WINDOW_BATCHES = 8  # within so many batches' worth of a shuffled epoch, samples of like length are put together


@dataclasses.dataclass(frozen=True)
class Batch:
    """Samples as the network takes them.

    Attributes:
        ids: int32 `[batch, seq]`, padded to the longest.
        segments: int32 `[batch, seq]`, as in `serving.sequence`.
        image: uint8 `[batch, size, size, 3]`, black where there is none.
        has_image: float32 `[batch]`, 1 or 0.
    """

    ids: npt.NDArray[np.int32]
    segments: npt.NDArray[np.int32]
    image: npt.NDArray[np.uint8]
    has_image: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Examples:
    """One split.

    Attributes:
        text: token ids of each text.
        code: token ids of each code.
        text_bytes: UTF-8 bytes that those of the text stand for, int64 `[n]`.
        code_bytes: UTF-8 bytes that those of the code stand for, int64 `[n]`.
        images: the images there are, uint8 `[with image, size, size, 3]`.
        image: each example's place among them, -1 where it has none, int64 `[n]`.
        budget: how much of a sample the model sees.
    """

    text: list[npt.NDArray[np.int32]]
    code: list[npt.NDArray[np.int32]]
    text_bytes: npt.NDArray[np.int64]
    code_bytes: npt.NDArray[np.int64]
    images: npt.NDArray[np.uint8]
    image: npt.NDArray[np.int64]
    budget: TransformConfig

    def __len__(self) -> int:
        return len(self.text)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens in each sequence."""
        return np.array([len(text) + len(code) + 3 for text, code in zip(self.text, self.code, strict=True)], np.int64)

    def batch(self, chosen: npt.NDArray[np.int64], images: npt.NDArray[np.int64] | None = None) -> Batch:
        """The examples with these indices, in this order.

        Args:
            chosen: int64 `[batch]`.
            images: the examples whose images to take instead of their own, int64 `[batch]`.
        """
        budget = self.budget
        pairs = [
            sequence.layout(
                self.text[i], self.code[i], text_tokens=budget.text_tokens, code_tokens=budget.code_tokens
            )
            for i in chosen
        ]
        longest = max(len(self.text[i]) + len(self.code[i]) + 3 for i in chosen)
        place = self.image[chosen if images is None else images]
        pixels = np.zeros((len(chosen), budget.image_size, budget.image_size, 3), np.uint8)
        pixels[place >= 0] = self.images[place[place >= 0]]
        return Batch(
            ids=np.stack([ids for ids, _ in pairs])[:, :longest],
            segments=np.stack([segments for _, segments in pairs])[:, :longest],
            image=pixels,
            has_image=(place >= 0).astype(np.float32),
        )


def read(directory: str, transform_graph: str, budget: TransformConfig) -> Examples:
    """Reads one split.

    Args:
        directory: the split's folder of gzipped TFRecord files.
        transform_graph: directory of the `TransformGraph` artifact, which knows the features.
        budget: how much of a sample the model sees.

    Raises:
        SourceError: the split is empty.
    """
    spec = tft.TFTransformOutput(transform_graph).transformed_feature_spec()
    files = sorted(str(path) for path in pathlib.Path(directory).glob("*") if path.is_file())
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_READ_BATCH)
    text, code, text_bytes, code_bytes, images, has_image = [], [], [], [], [], []
    for serialized in records:
        features = tf.io.parse_example(serialized, spec)
        text += _rows(features["text_ids"])
        code += _rows(features["code_ids"])
        text_bytes.append(features["text_bytes"].numpy().reshape(-1))
        code_bytes.append(features["code_bytes"].numpy().reshape(-1))
        encoded = features["image"].numpy().reshape(-1)
        has_image.append(encoded != b"")
        images += [tf.io.decode_png(image, channels=3).numpy() for image in encoded if image]
    if not text:
        raise SourceError(
            "no example in this split", where=directory, remedy="give more data, or other shares in `alignment`"
        )
    present = np.concatenate(has_image)
    return Examples(
        text=text,
        code=code,
        text_bytes=np.concatenate(text_bytes),
        code_bytes=np.concatenate(code_bytes),
        images=np.stack(images) if images else np.zeros((0, budget.image_size, budget.image_size, 3), np.uint8),
        image=np.where(present, np.cumsum(present) - 1, -1),
        budget=budget,
    )


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Which examples a step sees: a pure function of the step, so that the step is all there is to save.

    Each epoch is a permutation of its own. Within windows of it, examples are put into batches by length, since
    padding is computed like anything else; the batches then come in random order.

    Attributes:
        lengths: tokens in each example, int64 `[n]`.
        batch_size: examples in a step. Where there are fewer, they repeat.
        seed: of the permutations.
    """

    lengths: npt.NDArray[np.int64]
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; what does not fill one waits for the next epoch."""
        return max(1, len(self.lengths) // self.batch_size)

    def batches(self, start: int, stop: int) -> Iterator[npt.NDArray[np.int64]]:
        """The indices of the examples of steps `start` to `stop - 1`, int64 `[batch_size]` each."""
        step = start
        while step < stop:
            epoch, first = divmod(step, self.steps_per_epoch)
            for chosen in self._epoch(epoch)[first : first + stop - step]:
                yield chosen
                step += 1

    def _epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        """int64 `[steps_per_epoch, batch_size]`."""
        random = np.random.Generator(np.random.Philox(key=[self.seed, epoch]))
        count = self.steps_per_epoch * self.batch_size
        order = np.resize(random.permutation(len(self.lengths)), count)
        batches = []
        window = _WINDOW_BATCHES * self.batch_size
        for start in range(0, count, window):
            part = order[start : start + window]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            batches.append(part.reshape(-1, self.batch_size))
        shuffled: npt.NDArray[np.int64] = random.permutation(np.concatenate(batches))
        return shuffled


def _rows(ids: tf.SparseTensor) -> list[npt.NDArray[np.int32]]:
    ragged = tf.RaggedTensor.from_sparse(ids)
    values = ragged.values.numpy().astype(np.int32)
    return np.split(values, ragged.row_splits.numpy()[1:-1])
