"""The section `training` of the configuration."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

import pydantic

from schemas.config import section

Fraction = Annotated[float, pydantic.Field(ge=0.0, lt=1.0)]


@section
class GptConfig:
    """The compact multimodal decoder; `components.training.gpt` describes it."""

    width: Annotated[int, pydantic.Field(ge=8, le=4096)] = 128
    """Size of the hidden states; a multiple of `heads`."""

    depth: Annotated[int, pydantic.Field(ge=1, le=64)] = 3
    """Blocks of attention and feed-forward network."""

    heads: Annotated[int, pydantic.Field(ge=1, le=64)] = 4
    """Attention heads in a block."""

    patch_size: Annotated[int, pydantic.Field(ge=1, le=64)] = 8
    """Side of the square patches that an image is seen as, pixels; divides `transform.image_size`."""

    dropout: Fraction = 0.0
    """Share of each block's output that is dropped while training."""

    @pydantic.model_validator(mode="after")
    def _heads_divide_width(self) -> GptConfig:
        if self.width % self.heads:
            raise ValueError(f"heads must divide width: {self.width} is no multiple of {self.heads}")
        return self


@section
class TrainingConfig:
    """How the model learns."""

    architecture: Literal["gpt"] = "gpt"
    """The network."""

    gpt: GptConfig = dataclasses.field(default_factory=GptConfig)

    steps: Annotated[int, pydantic.Field(ge=1)] = 600
    """Updates of the weights."""

    batch_size: Annotated[int, pydantic.Field(ge=1)] = 8
    """Samples in a step, over all devices; a multiple of `devices`."""

    learning_rate: Annotated[float, pydantic.Field(gt=0.0, le=1.0)] = 4e-3
    """Its peak: reached after `warmup_steps`, from which it falls along a cosine."""

    warmup_steps: Annotated[int, pydantic.Field(ge=0)] = 50
    """Steps in which the learning rate rises from zero in a straight line."""

    final_learning_rate: Fraction = 0.02
    """Where the cosine ends, as a share of the peak."""

    weight_decay: Annotated[float, pydantic.Field(ge=0.0)] = 0.3
    """AdamW's decay of matrices; norms, biases, embeddings and positions are spared."""

    clip_norm: Annotated[float, pydantic.Field(gt=0.0)] = 1.0
    """Longest gradient, as the norm over all weights and devices; a longer one is scaled down."""

    strategy: Literal["none", "mirrored"] = "none"
    """`none`: one device. `mirrored`: each of `devices` holds the weights and takes its share of the batch."""

    devices: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """Logical CPU devices for `mirrored`."""

    evaluate_every_steps: Annotated[int, pydantic.Field(ge=1)] = 100
    """How often the curve gets a point on held-out samples."""

    curve_samples: Annotated[int, pydantic.Field(ge=1)] = 128
    """Held-out samples of the split `eval` that a point of the curve is measured on; the end is measured on all."""

    checkpoint_every_steps: Annotated[int, pydantic.Field(ge=1)] = 100
    """How often the state is saved, so that an interrupted training goes on from there."""

    keep_checkpoints: Annotated[int, pydantic.Field(ge=2)] = 2
    """How many of them to keep. More than one, so that a damaged one can be passed over."""

    @pydantic.model_validator(mode="after")
    def _devices_fit(self) -> TrainingConfig:
        if self.strategy == "none" and self.devices != 1:
            raise ValueError("devices must be 1 where strategy is none; for more, set strategy to mirrored")
        if self.batch_size % self.devices:
            raise ValueError(f"devices must divide batch_size: {self.batch_size} is no multiple of {self.devices}")
        return self
