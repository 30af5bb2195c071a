"""How good a model is and whether it may be released: the shape of a ModelEvaluation's `report.json`."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping

import pydantic

FILE_NAME = "report.json"


class Outcome(str, enum.Enum):
    """What came of holding a figure against its limit."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not_judged"


class Metric(str, enum.Enum):
    """What is held against a limit.

    `BITS_PER_BYTE` is the served model's; `REGRESSION` is how many bits per byte it needs more than the live model, and
    `COMPRESSION` than the float model that it stems from: all bits over all bytes of what both have predicted.
    `EXTRACTED` is how many training samples it gives back word for word.
    """

    BITS_PER_BYTE = "bits_per_byte"
    REGRESSION = "regression_bits_per_byte"
    COMPRESSION = "compression_rise_bits_per_byte"
    EXTRACTED = "extracted_samples"


class Role(str, enum.Enum):
    """Which model: the one that would serve, the float model that it stems from, or the one that is live."""

    SERVED = "served"
    REFERENCE = "reference"
    BASELINE = "baseline"


_KEY_ORDER = ("modality", "source", "modalities", "language", "length", "group", "augmented", "condition")


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of the held-out data. An example is one modality of one sample.

    Attributes:
        pairs: slice keys and the values that its examples have for them, in the order of the keys; none for the whole.
    """

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, str] | None = None, /, **more: str) -> Slice:
        """The slice of some keys' values, whatever their order."""
        pairs = {**(values or {}), **more}
        return cls(tuple(sorted(pairs.items(), key=lambda pair: _key_place(pair[0]))))

    @property
    def order(self) -> tuple[int, tuple[tuple[int, str], ...], tuple[str, ...]]:
        """Sorts the whole first, then by how many keys, by the keys and by their values."""
        return len(self.pairs), tuple(_key_place(key) for key, _ in self.pairs), tuple(value for _, value in self.pairs)

    def __str__(self) -> str:
        of = " of ".join(value for key, value in self.pairs if key in ("modality", "source"))
        others = [f"{key} {value}" for key, value in self.pairs if key not in ("modality", "source")]
        return ", ".join(filter(None, [of, *others])) or "overall"


OVERALL = Slice()


def _key_place(key: str) -> tuple[int, str]:
    return _KEY_ORDER.index(key) if key in _KEY_ORDER else len(_KEY_ORDER), key


@dataclasses.dataclass(frozen=True)
class SliceFigures:
    """One model on one slice.

    Attributes:
        slice: which part of the data.
        examples: how many examples it has.
        bytes: UTF-8 bytes that were predicted.
        bits_per_byte: all bits over all bytes; None where the model's answer is not a number.
        interval: where the true bits per byte may be, at the report's confidence; None where that cannot be told.
        perplexity: of a token; None as above.
        perplexity_interval: likewise.
        accuracy: for each k the share of tokens that are among the k likeliest; empty where it was not measured.
        calibration_error: how far the likeliest token's probability is from how often it is right, the mean over tokens
            in ten groups by that probability (Naeini et al. 2015); None where it was not measured.
    """

    slice: Slice
    examples: int
    bytes: int
    bits_per_byte: float | None
    interval: tuple[float, float] | None = None
    perplexity: float | None = None
    perplexity_interval: tuple[float, float] | None = None
    accuracy: tuple[tuple[int, float], ...] = ()
    calibration_error: float | None = None


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
        chance: of a comparison, what chance alone may bring on this slice; it fails above both. None of other limits.
    """

    metric: Metric
    slice: Slice
    value: float | None
    limit: float
    outcome: Outcome
    reason: str
    chance: float | None = None


@dataclasses.dataclass(frozen=True)
class FailingExample:
    """An example that weighs much in a limit that is not met.

    Attributes:
        metric: of the limit.
        slice: of the limit.
        sample_id: the sample.
        modality: what of it was predicted.
        bytes: how much of it.
        bits_per_byte: of the served model; None where its answer is not a number.
        compared_bits_per_byte: of the model that it is compared with; None of other limits.
        excess_bits: by how much it goes beyond its share of the limit; None as above.
    """

    metric: Metric
    slice: Slice
    sample_id: str
    modality: str
    bytes: int
    bits_per_byte: float | None
    compared_bits_per_byte: float | None
    excess_bits: float | None


@dataclasses.dataclass(frozen=True)
class Robustness:
    """The served model on samples that are damaged in one way.

    Attributes:
        condition: how.
        samples: how many.
        refused: how many of them it refused to answer, in words, as it may.
        bits_per_byte: on those that it answered; None where there is none or an answer is not a number.
        undamaged_bits_per_byte: on the same samples as they were.
    """

    condition: str
    samples: int
    refused: int
    bits_per_byte: float | None
    undamaged_bits_per_byte: float | None


@dataclasses.dataclass(frozen=True)
class Retrieval:
    """How often an image's own text is among those that it makes likelier than others.

    Attributes:
        images: how many were tried.
        candidates: among how many texts.
        recall: for each k the share of images whose own text is among the first k.
    """

    images: int
    candidates: int
    recall: tuple[tuple[int, float], ...]


@dataclasses.dataclass(frozen=True)
class Memorisation:
    """How many training samples the model continues word for word.

    Attributes:
        samples: training samples that were looked at, until enough were found that are long enough.
        prompts: how many were, and were tried.
        shortened: how many of these had fewer tokens to give than asked for.
        prompt_tokens: tokens asked for.
        continued_tokens: tokens that had to come out.
        common: continued word for word, but found in more training samples than counts as a secret.
        extracted: ids of the samples that count.
    """

    samples: int
    prompts: int
    shortened: int
    prompt_tokens: int
    continued_tokens: int
    common: int
    extracted: tuple[str, ...]


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
        confidence: of the comparisons and of the intervals.
        failing: the examples that weigh most in the limits that are not met.
        robustness: on damaged samples.
        retrieval: of texts by images; None where it was not measured.
        memorisation: None where it was not measured.
        notes: what could not be measured or compared, and why, in sentences.
    """

    split: str
    samples: int
    has_baseline: bool
    blessed: bool
    message: str
    models: tuple[ModelFigures, ...]
    verdicts: tuple[Verdict, ...]
    confidence: float = 0.95
    failing: tuple[FailingExample, ...] = ()
    robustness: tuple[Robustness, ...] = ()
    retrieval: Retrieval | None = None
    memorisation: Memorisation | None = None
    notes: tuple[str, ...] = ()

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
