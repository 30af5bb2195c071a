"""What further training came to: the shape of FineTune's `report.json`."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pydantic

FILE_NAME = "report.json"


@dataclasses.dataclass(frozen=True)
class Report:
    """A training that went on.

    Attributes:
        parameters: number of trainable weights.
        steps: further updates.
        weight_bits: of the grid that the weights are on; None for floats.
        sparsity: share of the weights of its matrices that are zero.
        resumed_from_step: the checkpoint that it went on from, or None.
        notes: what was damaged and passed over, and which steps were.
        weights_digest: canonical digest of the weights.
        before_bits_per_byte: of the model that was given, on the split eval.
        bits_per_byte: of the one that came of it, on the same.
    """

    parameters: int
    steps: int
    weight_bits: int | None
    sparsity: float
    resumed_from_step: int | None
    notes: tuple[str, ...]
    weights_digest: str
    before_bits_per_byte: float
    bits_per_byte: float

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
