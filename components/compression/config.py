"""The section `compression` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section


@section
class CompressionConfig:
    """How the trained model is made small, and how that is measured."""

    recipe: Literal["dynamic_wi8_afp32"] = "dynamic_wi8_afp32"
    """The quantizer's recipe: `dynamic_wi8_afp32` keeps weights as 8-bit integers and activations as floats."""

    latency_runs: Annotated[int, pydantic.Field(ge=10)] = 100
    """How many times each model answers while latency is measured, one thread, the two models in turn."""

    loss_samples: Annotated[int, pydantic.Field(ge=1)] = 200
    """Most held-out samples of the split `eval` on which the loss of both models is compared."""

    threads: Annotated[int, pydantic.Field(ge=1)] = 2
    """How many samples are scored side by side when the loss is compared."""
