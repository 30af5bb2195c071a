"""What compressing a model gained and cost: the shape of a `headrace.CompressionReport`'s `report.json`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import pathlib

import pydantic

FILE_NAME = "report.json"
FLOAT = "float"
"""The name of the float model where the name of a variant is meant."""


@dataclasses.dataclass(frozen=True)
class Latency:
    """What one call of one sample takes in LiteRT, on one thread that is pinned to one core, all models in turn.

    Attributes:
        tokens: length of the sequence: the bucket.
        batch: samples a call.
        runs: calls of each model.
        p50_ms, p99_ms: wall time.
        processor_p50_ms, processor_p99_ms: the thread's processor time, which other work on the machine disturbs less.
    """

    tokens: int
    batch: int
    runs: int
    p50_ms: float
    p99_ms: float
    processor_p50_ms: float
    processor_p99_ms: float


@dataclasses.dataclass(frozen=True)
class SliceLoss:
    """Held-out loss of a slice: a modality that is predicted, samples with or without an image, or a source.

    Attributes:
        bits_per_byte: of the model.
        rise: over the float model's; above zero it is worse.
    """

    slice: str
    samples: int
    bytes: int
    bits_per_byte: float
    rise: float


@dataclasses.dataclass(frozen=True)
class Measured:
    """A LiteRT model, measured.

    Attributes:
        bytes: its file.
        zipped_bytes: its file, compressed by zlib.
        operations: of the graph.
        peak_memory_bytes: of a fresh process that loads it and answers requests; None where the system does not say.
        model_memory_bytes: of these, what loading and answering added.
        latencies: by bucket, the longest first.
        bits_per_byte: held-out loss.
        rise: of that over the float model's; above zero it is worse.
        slices: the same by slice.
    """

    bytes: int
    zipped_bytes: int
    operations: int
    peak_memory_bytes: int | None
    model_memory_bytes: int | None
    latencies: tuple[Latency, ...]
    bits_per_byte: float
    rise: float
    slices: tuple[SliceLoss, ...]


@dataclasses.dataclass(frozen=True)
class LayerError:
    """How far a tensor of the quantised model is from the float model's, on held-out samples.

    Attributes:
        tensor: its name.
        relative_error: the difference's norm over the float tensor's; all errors before it included.
    """

    tensor: str
    relative_error: float


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """What is lost when some operations alone are quantised.

    Attributes:
        kind: of operation, as LiteRT calls it.
        layer: its output tensor; empty for all operations of the kind that have no weights.
        operations: how many.
        rise: of the held-out loss, bits per byte; None where the model then gives no number.
        left_in_float: whether they were.
    """

    kind: str
    layer: str
    operations: int
    rise: float | None
    left_in_float: bool


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How the ranges of activations were found.

    Attributes:
        samples: of the split `train`.
        tensors: activations with a range.
        outside: those that reach far outside it on held-out samples.
        worst: the one that reaches furthest outside; empty if none does.
    """

    samples: int
    tensors: int
    outside: int
    worst: str


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to compress, and what came of it.

    Attributes:
        name: as in the configuration.
        failure: why it could not be made; empty if it was.
        verdict: why it was taken, or why not.
        quantized_operations: how many of the operations it quantises.
        measured: None if it could not be made.
        layers: the tensors that are furthest from the float model's, worst first.
        sensitivity: worst first; empty where the loss needed no scan.
        calibration: of a static variant.
    """

    name: str
    verdict: str = ""
    failure: str = ""
    quantized_operations: int = 0
    measured: Measured | None = None
    layers: tuple[LayerError, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    calibration: Calibration | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    """A compression, measured.

    Attributes:
        chosen: the variant that serves, or `float`.
        reason: why.
        prefer: what was to decide.
        samples: held-out samples that the losses are of.
        bytes: UTF-8 bytes of text and code that were predicted.
        saved_model_bytes: the SavedModel, all files.
        float_model: the same weights in float32.
        variants: in the order of the configuration.
    """

    chosen: str
    reason: str
    prefer: str
    samples: int
    bytes: int
    saved_model_bytes: int
    float_model: Measured
    variants: tuple[Variant, ...]

    @property
    def serving(self) -> Measured:
        """The model that was chosen."""
        found = [variant.measured for variant in self.variants if variant.name == self.chosen and variant.measured]
        return found[0] if found else self.float_model

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        text = json.dumps(dataclasses.asdict(self), indent=2, allow_nan=False) + "\n"
        pathlib.Path(directory, FILE_NAME).write_text(text)

    def digest(self) -> str:
        """The canonical digest of what depends neither on speed nor on memory, hexadecimal.

        Nor of what was chosen, since that may be the fastest.
        """
        facts = [
            [variant.name, bool(variant.failure), _loss(variant.measured), _left(variant)] for variant in self.variants
        ]
        return hashlib.sha256(json.dumps([self.samples, _loss(self.float_model), facts]).encode()).hexdigest()

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Report:
        """The report in a directory.

        Raises:
            OSError, pydantic.ValidationError: there is none, or it is not one.
        """
        return pydantic.TypeAdapter(cls).validate_json(pathlib.Path(directory, FILE_NAME).read_bytes())


def finite(value: float) -> float | None:
    """The value, None if it is no finite number: JSON has no word for those."""
    return value if math.isfinite(value) else None


def _loss(measured: Measured | None) -> list[float | int]:
    return [] if measured is None else [measured.bytes, round(measured.bits_per_byte, 6)]


def _left(variant: Variant) -> list[list[str]]:
    return sorted([item.kind, item.layer] for item in variant.sensitivity if item.left_in_float)
