"""The section `infra_validation` of the configuration."""

from __future__ import annotations

from typing import Annotated

import pydantic

from schemas.config import section


@section
class InfraValidationConfig:
    """Whether a model that is good enough can also be served."""

    golden_samples: Annotated[int, pydantic.Field(ge=1)] = 8
    """How many held-out samples of the split `test` are among the golden requests."""

    time_limit_s: Annotated[float, pydantic.Field(gt=0)] = 120.0
    """How long loading and answering may take in all, in a fresh process."""

    max_latency_ms: Annotated[float, pydantic.Field(gt=0)] = 1000.0
    """The most milliseconds that the slowest golden request of one instance may take once the model is warm."""

    max_memory_mb: Annotated[float, pydantic.Field(gt=0)] = 2048.0
    """The most memory that the process may have held at once when it has answered them all, libraries included, MB."""

    max_difference: Annotated[float, pydantic.Field(gt=0)] = 0.1
    """How far the bits per byte of a golden answer may lie from those of the float model, as a share of them (of one bit,
    where they are fewer). Compression moves them a little; a damaged conversion moves them a lot."""
