"""The section `retraining` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from schemas.config import section

Share = Annotated[float, pydantic.Field(ge=0.0, lt=1.0)]


@section
class RetrainingConfig:
    """How the trained network goes on learning with the weights that it will have once it is compressed."""

    steps: Annotated[int, pydantic.Field(ge=1)] = 150
    """Further updates of the weights."""

    learning_rate: Annotated[float, pydantic.Field(gt=0.0, le=1.0)] = 1e-3
    """Its peak; a quarter of the training's by default."""

    warmup_steps: Annotated[int, pydantic.Field(ge=0)] = 10
    """Steps in which it rises to that. It falls along a cosine, as in the training."""

    weight_bits: Literal[3, 4, 8] | None = None
    """Bits of the weights that the network learns with; left out: it learns with floats."""

    sparsity: Share = 0.0
    """Share of the weights of its matrices that are zero in the end, the smallest."""

    sparsity_over: Literal["matrix", "network"] = "network"
    """`network`: of all matrices together, which loses the least. `matrix`: of each that share."""

    prune_until: Annotated[float, pydantic.Field(ge=0.0, le=1.0)] = 0.6
    """Share of the steps in which that is reached; in the others the rest of the weights make up for it."""

    prune_every_steps: Annotated[int, pydantic.Field(ge=1)] = 5
    """How often it is decided anew which weights are the smallest, until then."""

    feed_forward_pruned: Share = 0.0
    """Share of the units of each block's feed-forward network that are left out before it goes on learning; `gpt` only."""

    @property
    def wanted(self) -> bool:
        """Whether anything is asked for; if not, the pipeline has no such node."""
        return self.weight_bits is not None or self.sparsity > 0 or self.feed_forward_pruned > 0
