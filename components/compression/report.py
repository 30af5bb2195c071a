"""What compressing a model gained and cost: the shape of a `headrace.CompressionReport`'s `report.json`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib

import pydantic

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Size:
    """Bytes on disk.

    Attributes:
        saved_model_bytes: the SavedModel, all files.
        float_bytes: the same weights as a float32 LiteRT file.
        compressed_bytes: the compressed LiteRT file.
        ratio: `float_bytes / compressed_bytes`.
    """

    saved_model_bytes: int
    float_bytes: int
    compressed_bytes: int
    ratio: float


@dataclasses.dataclass(frozen=True)
class Latency:
    """Milliseconds that one call of `score_tokens` takes in LiteRT on one thread, the models in turn.

    Attributes:
        runs: calls of each model.
        float_p50_ms: median of the float32 LiteRT model.
        float_p95_ms: 95th percentile of it.
        compressed_p50_ms: median of the compressed model.
        compressed_p95_ms: 95th percentile of it.
        ratio: `float_p50_ms / compressed_p50_ms`.
    """

    runs: int
    float_p50_ms: float
    float_p95_ms: float
    compressed_p50_ms: float
    compressed_p95_ms: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class Loss:
    """Held-out loss of both LiteRT models on the same samples.

    Attributes:
        samples: how many samples of the split `eval`.
        bytes: UTF-8 bytes of text and code that were predicted.
        float_bits_per_byte: of the float32 LiteRT model.
        compressed_bits_per_byte: of the compressed model.
        difference_bits_per_byte: compressed minus float; above zero the compressed model is worse.
    """

    samples: int
    bytes: int
    float_bits_per_byte: float
    compressed_bits_per_byte: float
    difference_bits_per_byte: float


@dataclasses.dataclass(frozen=True)
class Report:
    """A compression, measured.

    Attributes:
        recipe: how it was compressed.
        size: bytes beside the float model.
        latency: speed beside the float model.
        loss: quality beside the float model.
    """

    recipe: str
    size: Size
    latency: Latency
    loss: Loss

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        text = json.dumps(dataclasses.asdict(self), indent=2) + "\n"
        pathlib.Path(directory, FILE_NAME).write_text(text)

    def digest(self) -> str:
        """The canonical digest of what does not depend on the machine's speed, hexadecimal."""
        facts = [self.recipe, self.size.compressed_bytes, round(self.loss.compressed_bits_per_byte, 6)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Report:
        """The report in a directory.

        Raises:
            OSError, pydantic.ValidationError: there is none, or it is not one.
        """
        return pydantic.TypeAdapter(cls).validate_json(pathlib.Path(directory, FILE_NAME).read_bytes())
