"""The section `evaluation` of the configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal

import pydantic

from schemas.config import section

BitsPerByte = Annotated[float, pydantic.Field(gt=0)]
Rise = Annotated[float, pydantic.Field(ge=0)]

Condition = Literal["typos", "truncated_image", "empty_modality", "very_long", "other_script"]
CONDITIONS: tuple[Condition, ...] = ("typos", "truncated_image", "empty_modality", "very_long", "other_script")
"""What held-out samples are damaged by; see `components.evaluation.robustness`."""


@section
class SliceLimit:
    """The most bits per byte on one slice of the held-out data."""

    modality: Literal["text", "code"] | None = None
    """What is predicted; null for both."""

    source: str | None = None
    """The data set that samples come from; null for all."""

    condition: Condition | None = None
    """Samples that are damaged so (see `robustness`); null for those as they are. It goes with no other key."""

    also: dict[str, str] = dataclasses.field(default_factory=dict)
    """Values of further slice keys, as `slices` names them: `{language: en}`."""

    max_bits_per_byte: BitsPerByte
    """The limit: above it the model is not blessed."""

    @pydantic.model_validator(mode="after")
    def _condition_stands_alone(self) -> SliceLimit:
        if self.condition and (self.modality or self.source or self.also):
            raise ValueError("a condition goes with no other key: damaged samples make one slice a condition")
        return self

    @property
    def where(self) -> Mapping[str, str]:
        """Slice keys and their values."""
        named = {"modality": self.modality, "source": self.source, "condition": self.condition}
        return {**{key: value for key, value in named.items() if value}, **self.also}


@section
class TokensConfig:
    """Figures that need more of a model than its likelihoods: which token it held likeliest, and how sure it was."""

    samples: Annotated[int, pydantic.Field(ge=0, le=100_000)] = 200
    """On so many held-out samples; 0 leaves these figures out."""

    accuracy_at: tuple[Annotated[int, pydantic.Field(ge=1, le=1000)], ...] = (1, 5)
    """A token counts as hit if it is among so many likeliest."""


@section
class RobustnessConfig:
    """Held-out samples, damaged as those of users are. Each kind is a slice of its own; limits on it are `slice_limits`."""

    conditions: tuple[Condition, ...] = CONDITIONS
    """Which kinds."""

    samples: Annotated[int, pydantic.Field(ge=0, le=100_000)] = 40
    """Most samples of each kind; 0 leaves them out."""


@section
class RetrievalConfig:
    """Whether an image's own text is told from others' by how likely it makes them."""

    images: Annotated[int, pydantic.Field(ge=0, le=10_000)] = 0
    """Most images; 0 leaves it out. Each costs `candidates` predictions."""

    candidates: Annotated[int, pydantic.Field(ge=2, le=1000)] = 20
    """Among so many texts, its own included."""

    recall_at: tuple[Annotated[int, pydantic.Field(ge=1, le=1000)], ...] = (1, 5)
    """Its own text counts as found if it is among so many likeliest."""


@section
class MemorisationConfig:
    """Whether training samples can be had back word for word: their beginning is given, and the model continues it."""

    prompts: Annotated[int, pydantic.Field(ge=0, le=1_000_000)] = 1000
    """Most training samples to try; 0 leaves it out."""

    prompt_tokens: Annotated[int, pydantic.Field(ge=1)] = 50
    """So many tokens are given. A sample too short for it gives as many as are before the rest, at least ten."""

    continued_tokens: Annotated[int, pydantic.Field(ge=1)] = 50
    """It counts as had back if so many tokens after them come out word for word."""

    common: Annotated[int, pydantic.Field(ge=1)] = 10
    """What occurs in more training samples than this is no secret and does not count."""

    max_extracted: Annotated[int, pydantic.Field(ge=0)] = 0
    """With more than so many samples had back the model is not blessed."""


@section
class EvaluationConfig:
    """When a model is good enough to be released, judged on the split `test`."""

    max_bits_per_byte: BitsPerByte = 4.0
    """The most bits per byte over all text and code: above it the model is not blessed."""

    slice_limits: tuple[SliceLimit, ...] = ()
    """Limits on single slices, on top of the one over all."""

    slices: tuple[tuple[str, ...], ...] = (
        ("modality",),
        ("source",),
        ("modality", "source"),
        ("modalities",),
        ("language",),
        ("length",),
        ("group",),
    )
    """By what the held-out data is divided, each division by one or more keys: `modality` (what is predicted), `source`,
    `modalities` (all that the sample has), `language`, `length` (of what is predicted), `augmented` (yes or no; samples
    made from others are only judged where this key is named), or any attribute of the samples, such as `group`."""

    length_buckets: tuple[Annotated[int, pydantic.Field(ge=1)], ...] = (64, 512)
    """Where `length` is divided, UTF-8 bytes, ascending."""

    max_regression: Rise = 0.01
    """How much worse than the live model it may be, as a share of the live model's bits per byte, over all and on every
    slice. It is refused if it is worse by more than that and that is more than chance may bring, see `confidence`."""

    max_regression_bits_per_byte: Rise = 0.0
    """The same in bits per byte; whichever allows more holds."""

    max_compression_rise_bits_per_byte: Rise = 0.02
    """How much worse than the float model that it stems from it may be, over all and on every slice, by the same rule."""

    confidence: Annotated[float, pydantic.Field(ge=0.5, lt=1)] = 0.975
    """A model that is truly no worse passes the comparisons on all slices together at least so surely. Intervals of
    figures are of this confidence too."""

    min_examples: Annotated[int, pydantic.Field(ge=1)] = 20
    """A slice with fewer examples is not judged, and the report says so. Nothing is blessed if the whole of the data
    is not judged."""

    max_samples: Annotated[int, pydantic.Field(ge=1)] = 2000
    """Most held-out samples to score."""

    failing_examples: Annotated[int, pydantic.Field(ge=0, le=100)] = 5
    """Most examples to name for a limit that is not met, the worst first."""

    threads: Annotated[int, pydantic.Field(ge=1)] = 2
    """How many samples a LiteRT model scores side by side."""

    tokens: TokensConfig = dataclasses.field(default_factory=TokensConfig)

    robustness: RobustnessConfig = dataclasses.field(default_factory=RobustnessConfig)

    retrieval: RetrievalConfig = dataclasses.field(default_factory=RetrievalConfig)

    memorisation: MemorisationConfig = dataclasses.field(default_factory=MemorisationConfig)

    @pydantic.model_validator(mode="after")
    def _buckets_ascend(self) -> EvaluationConfig:
        if list(self.length_buckets) != sorted(set(self.length_buckets)):
            raise ValueError("length_buckets must ascend")
        return self
