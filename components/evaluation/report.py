"""How good a model is and whether it may be released: the shape of a ModelEvaluation's `report.json`."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import os
import pathlib

import pydantic

FILE_NAME = "report.json"


class Outcome(str, enum.Enum):
    """What came of holding a figure against its limit."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not_judged"


class Metric(str, enum.Enum):
    """What is held against a limit.

    `BITS_PER_BYTE` is the served model's; `REGRESSION` is how many bits per byte it needs more than the live model, the
    mean over examples weighted by their bytes.
    """

    BITS_PER_BYTE = "bits_per_byte"
    REGRESSION = "regression_bits_per_byte"


class Role(str, enum.Enum):
    """Which model: the one that would serve, the float model that it stems from, or the one that is live."""

    SERVED = "served"
    REFERENCE = "reference"
    BASELINE = "baseline"


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of the held-out data. An example is one modality of one sample.

    Attributes:
        modality: `text` or `code`, '' for both.
        source: the data set, '' for all.
    """

    modality: str = ""
    source: str = ""

    @property
    def order(self) -> tuple[int, str, str]:
        """Sorts the whole first, then by modality, by source and by both."""
        return bool(self.modality) + 2 * bool(self.source), self.modality, self.source

    def __str__(self) -> str:
        return " of ".join(part for part in (self.modality, self.source) if part) or "overall"


OVERALL = Slice()


@dataclasses.dataclass(frozen=True)
class SliceFigures:
    """One model on one slice.

    Attributes:
        slice: which part of the data.
        examples: how many examples it has.
        bytes: UTF-8 bytes that were predicted.
        bits_per_byte: all bits over all bytes; None where the model's answer is not a number.
    """

    slice: Slice
    examples: int
    bytes: int
    bits_per_byte: float | None


@dataclasses.dataclass(frozen=True)
class ModelFigures:
    """One model on every slice.

    Attributes:
        role: which model.
        format: `saved_model` or `litert`.
        quantization: the recipe, or `none`.
        slices: the whole first, then by modality, by source and by both.
    """

    role: Role
    format: str
    quantization: str
    slices: tuple[SliceFigures, ...]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One figure held against its limit.

    Attributes:
        metric: what was measured.
        slice: where.
        value: the figure; None if there is none.
        limit: the most that it may be.
        outcome: passed, failed or not judged.
        reason: the same in words.
    """

    metric: Metric
    slice: Slice
    value: float | None
    limit: float
    outcome: Outcome
    reason: str


@dataclasses.dataclass(frozen=True)
class Report:
    """An evaluation.

    Attributes:
        split: the split that judged.
        samples: how many samples were scored.
        has_baseline: whether there was a live model to compare with.
        blessed: whether the model may be released.
        message: why, in words.
        models: every model's figures, the served one first.
        verdicts: every limit, and how the model stands to it.
    """

    split: str
    samples: int
    has_baseline: bool
    blessed: bool
    message: str
    models: tuple[ModelFigures, ...]
    verdicts: tuple[Verdict, ...]

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Writes `report.json`."""
        text = json.dumps(dataclasses.asdict(self), indent=2) + "\n"
        pathlib.Path(directory, FILE_NAME).write_text(text)

    def digest(self) -> str:
        """The canonical digest of the figures, to a millionth of a bit, hexadecimal."""
        facts = [
            (
                model.role.value,
                str(figures.slice),
                figures.examples,
                figures.bytes,
                round(figures.bits_per_byte or 0, 6),
            )
            for model in self.models
            for figures in model.slices
        ]
        outcomes = [(verdict.metric.value, str(verdict.slice), verdict.outcome.value) for verdict in self.verdicts]
        return hashlib.sha256(json.dumps([facts, outcomes]).encode()).hexdigest()

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Report:
        """The report in a directory.

        Raises:
            OSError, pydantic.ValidationError: there is none, or it is not one.
        """
        return pydantic.TypeAdapter(cls).validate_json(pathlib.Path(directory, FILE_NAME).read_bytes())
