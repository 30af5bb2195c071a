"""What a training tells: the shape of a ModelRun's `report.json` and of its `metrics.jsonl`."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator

import pydantic

FILE_NAME = "report.json"
CURVE_FILE_NAME = "metrics.jsonl"


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval (normal approximation over samples).

    Attributes:
        samples: how many there were.
    """

    mean: float
    low: float
    high: float
    samples: int


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of the curve.

    Attributes:
        step: updates done.
        loss: nats a token, over the batches since the point before.
        learning_rate: of the step.
        train_bits_per_byte: bits per byte of those batches.
        held_out_bits_per_byte: on some samples of the split eval; None where it was not measured.
        tokens_per_s: since the point before.
        gradient_norm: of the last step, before it was clipped.
        weight_norm: over all weights.
        padding: share of the positions of those batches at which no sample was.
        utilisation: model FLOPs that were done as a share of what the devices' matrix products reach; None if unknown.
    """

    step: int
    loss: float
    learning_rate: float
    train_bits_per_byte: float
    held_out_bits_per_byte: float | None
    tokens_per_s: float
    gradient_norm: float
    weight_norm: float
    padding: float
    utilisation: float | None


@dataclasses.dataclass(frozen=True)
class Report:
    """A training.

    Attributes:
        architecture: the network.
        parameters: number of trainable weights.
        steps: updates done.
        seconds: wall time of the training process, of its last attempt where it was interrupted.
        tokens_per_s: over the steps of that attempt; None where it had none left to do.
        padding: share of the positions of those steps at which no sample was; None likewise.
        resumed_from_step: the checkpoint that it went on from; None if it began at the beginning.
        notes: what went wrong on the way and was mended.
        weights_digest: canonical digest of the weights.
        bits_per_byte: on the whole split eval.
        unigram_bits_per_byte: of a byte unigram on the same bytes.
        trigram_bits_per_byte: of an interpolated Kneser-Ney byte 3-gram on the same bytes.
        image_effect: nats a sample costs more with another sample's image; None where images are too few.
        train_samples: samples of the split train.
        eval_samples: samples of the split eval.
    """

    architecture: str
    parameters: int
    steps: int
    seconds: float
    tokens_per_s: float | None
    padding: float | None
    resumed_from_step: int | None
    notes: tuple[str, ...]
    weights_digest: str
    bits_per_byte: float
    unigram_bits_per_byte: float
    trigram_bits_per_byte: float
    image_effect: Interval | None
    train_samples: int
    eval_samples: int

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        pathlib.Path(directory, FILE_NAME).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Report:
        """The report in a directory.

        Raises:
            OSError, pydantic.ValidationError: there is none, or it is not one.
        """
        return pydantic.TypeAdapter(cls).validate_json(pathlib.Path(directory, FILE_NAME).read_bytes())


class Curve:
    """The file of points, one JSON object a line.

    Args:
        path: of the file; it need not exist.
        writes: whether this process is the one that writes it.
    """

    def __init__(self, path: pathlib.Path, *, writes: bool = True):
        self._path, self._writes = path, writes

    def points(self) -> Iterator[Point]:
        """The points in the order of their steps; a last line that was cut off is left out."""
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            try:
                yield Point(**json.loads(line))
            except (ValueError, TypeError):
                return

    def go_on_from(self, step: int) -> None:
        """Forgets what came after a step, since that is done again."""
        if not self._writes:
            return
        kept = [point for point in self.points() if point.step <= step]
        aside = self._path.with_name(self._path.name + ".tmp")
        aside.write_text("".join(_line(point) for point in kept))
        aside.replace(self._path)

    def add(self, point: Point) -> None:
        """Appends a point."""
        if not self._writes:
            return
        with self._path.open("a") as file:
            file.write(_line(point))


def _line(point: Point) -> str:
    return json.dumps(dataclasses.asdict(point)) + "\n"
