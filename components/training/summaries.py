"""What TensorBoard shows of a training: its curves, and what the model writes."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.training.examples import Examples
from components.training.report import Point
from serving import sequence

_GIVEN, _WRITTEN = 6, 16  # tokens
Decode = Callable[[list[int]], str]
NextToken = Callable[[npt.NDArray[np.int32], Examples], npt.NDArray[np.int32]]
"""For rows of ids `[rows, tokens]`, the likeliest token after each row's last, int32 `[rows]`."""


class Summaries:
    """A TensorBoard log.

    Args:
        directory: where it is; None where another process writes it.
        decode: turns token ids into text; None where there is no tokeniser at hand.
    """

    def __init__(self, directory: pathlib.Path | None, decode: Decode | None):
        self._writer = tf.summary.create_file_writer(str(directory)) if directory else None
        self._decode = decode

    def add(self, point: Point) -> None:
        """Adds a point of the curve."""
        if self._writer is None:
            return
        with self._writer.as_default(step=point.step):
            for name, value in dataclasses.asdict(point).items():
                if name != "step" and value is not None:
                    tf.summary.scalar(name, value)
        self._writer.flush()

    def write(self, step: int, few: Examples, next_token: NextToken) -> None:
        """Adds what the model writes after the beginnings of some held-out samples, the likeliest token each time."""
        if self._writer is None or self._decode is None or not len(few):
            return
        ids = few.ids[:, : 1 + _GIVEN]
        for _ in range(min(_WRITTEN, few.ids.shape[1] - ids.shape[1])):
            ids = np.concatenate([ids, next_token(ids, few)[:, None]], axis=1)
        with self._writer.as_default(step=step):
            for number, row in enumerate(ids.tolist()):
                given, written = (self._decode(_words(part)) for part in (row[: 1 + _GIVEN], row[1 + _GIVEN :]))
                tf.summary.text(f"written/{number}", f"{given} **...** {written}")
        self._writer.flush()


def _words(ids: list[int]) -> list[int]:
    """Without the tokens that lay a sequence out."""
    return [token for token in ids if token not in (sequence.PAD, sequence.BOS, sequence.EOS, sequence.CODE)]
