"""The section `evaluation` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

BitsPerByte = Annotated[float, pydantic.Field(gt=0)]


@section
class SliceLimit:
    """The most bits per byte on one slice of the held-out data."""

    modality: Literal["text", "code"] | None = None
    """What is predicted; null for both."""

    source: str | None = None
    """The data set that samples come from; null for all."""

    max_bits_per_byte: BitsPerByte
    """The limit: above it the model is not blessed."""


@section
class EvaluationConfig:
    """When a model is good enough to be released, judged on the split `test`."""

    max_bits_per_byte: BitsPerByte = 4.0
    """The most bits per byte over all text and code: above it the model is not blessed."""

    slice_limits: tuple[SliceLimit, ...] = ()
    """Limits on single slices, on top of the one over all."""

    max_regression_bits_per_byte: Annotated[float, pydantic.Field(ge=0)] = 0.02
    """How much worse than the live model it may be, over all and on every slice that is judged."""

    min_examples: Annotated[int, pydantic.Field(ge=1)] = 20
    """A slice with fewer examples is not judged, and the report says so. Nothing is blessed if the whole of the data
    is not judged."""

    max_samples: Annotated[int, pydantic.Field(ge=1)] = 2000
    """Most held-out samples to score."""

    threads: Annotated[int, pydantic.Field(ge=1)] = 2
    """How many samples a LiteRT model scores side by side."""
