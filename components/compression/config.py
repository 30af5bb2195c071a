"""The section `compression` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

VariantName = Literal[
    "dynamic_wi8_afp32",
    "weight_only_wi8_afp32",
    "dynamic_wi4_afp32",
    "weight_only_wi4_afp32",
    "static_wi8_ai8",
    "static_wi8_ai16",
    "static_wi8_ai8_fully_connected",
]
"""Weights (`wi`) and activations (`ai`, `afp`) with their bits. `dynamic`: activations are quantised anew in each request;
`weight_only`: weights are unpacked to floats before use; `static`: activations have ranges that are found beforehand, on
representative samples; of the last, those of fully connected layers alone."""

Fraction = Annotated[float, pydantic.Field(ge=0.0, le=1.0)]
Part = Annotated[float, pydantic.Field(gt=0.0, lt=1.0)]


@section
class CompressionConfig:
    """How the trained model is made small, how that is measured, and which of the results is taken."""

    variants: Annotated[tuple[VariantName, ...], pydantic.Field(min_length=1)] = ("dynamic_wi8_afp32",)
    """What to make and measure. One that cannot be made is reported with the reason."""

    buckets: tuple[Part, ...] = ()
    """Lengths for which the model gets a graph of its own beside the longest, as parts of it. A request takes the shortest
    that holds its tokens, and so as much less time; each makes the file about a sixth larger. Only of networks that take
    sequences of any length."""

    prefer: Literal["latency", "size", "quality"] = "latency"
    """What decides between variants that keep the limits below: processor time of a request of the longest bucket, bytes on
    disk, or held-out loss. Times and sizes that differ by less than a twentieth are equal, and the next of the three
    decides."""

    max_bits_per_byte_rise: Annotated[float, pydantic.Field(ge=0.0)] = 0.02
    """How much worse than the float model a variant may predict the held-out samples, bits per byte."""

    max_slice_bits_per_byte_rise: Annotated[float, pydantic.Field(ge=0.0)] = 0.05
    """The same for each modality, for samples with and without an image, and for each source."""

    min_slice_samples: Annotated[int, pydantic.Field(ge=1)] = 10
    """A slice of fewer held-out samples is reported, not judged."""

    max_bytes: Annotated[int, pydantic.Field(ge=1)] | None = None
    """How large the file of a variant may be."""

    max_outside_calibration: Fraction = 0.1
    """Of a static variant's activations, the share that may reach far outside their ranges on held-out samples. More of
    them mean that the representative samples are unlike those that it will meet."""

    when_none_fits: Literal["fail", "float"] = "fail"
    """What comes of it if no variant keeps the limits: the node is refused, or the float model is taken."""

    representative_samples: Annotated[int, pydantic.Field(ge=1, le=10_000)] = 64
    """How many samples of the split `train` static variants find the ranges of activations on."""

    representative_seed: int = 0
    """Which samples those are."""

    float_layers_budget: Fraction = 0.25
    """Where a variant loses more than its limit: the share of its operations that may stay in float, those first that lose
    most when they alone are quantised. 0: all are quantised, come what may."""

    sensitivity_samples: Annotated[int, pydantic.Field(ge=1)] = 24
    """How many held-out samples those losses are measured on."""

    latency_runs: Annotated[int, pydantic.Field(ge=10)] = 100
    """How many times each model answers while latency is measured, one thread on one core, all models in turn."""

    loss_samples: Annotated[int, pydantic.Field(ge=1)] = 200
    """Most held-out samples of the split `eval` on which the losses are compared."""

    threads: Annotated[int, pydantic.Field(ge=1)] = 2
    """How many samples are scored side by side when the losses are compared."""
