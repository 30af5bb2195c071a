"""The section `training` of the configuration."""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Any, Literal

import pydantic

from schemas.config import section, to_plain

Fraction = Annotated[float, pydantic.Field(ge=0.0, lt=1.0)]
_BUILDER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@section
class GptConfig:
    """The compact multimodal decoder; `components.training.gpt` describes it."""

    width: Annotated[int, pydantic.Field(ge=8, le=4096)] = 128
    """Size of the hidden states; a multiple of `heads`."""

    depth: Annotated[int, pydantic.Field(ge=1, le=64)] = 3
    """Blocks of attention and feed-forward network."""

    heads: Annotated[int, pydantic.Field(ge=1, le=64)] = 4
    """Attention heads in a block."""

    feed_forward: Annotated[int, pydantic.Field(ge=1, le=16_384)] | None = None
    """Units of each block's feed-forward network; left out: four times `width`."""

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
class SpikesConfig:
    """What is done about a step whose loss or gradient is no number, or far beyond those of the steps before."""

    action: Literal["skip", "roll_back", "stop"] = "skip"
    """`skip`: the weights stay as they are. `roll_back`: the weights of the last checkpoint are taken, and the way is gone
    again without that step. `stop`: the training ends. The samples of the step are recorded in any case."""

    deviations: Annotated[float, pydantic.Field(ge=3.0)] = 20.0
    """How far is too far: this many robust standard deviations (1.4826 times the median deviation) above the median."""

    history: Annotated[int, pydantic.Field(ge=10, le=10_000)] = 100
    """How many steps before are looked at. Until there were that many, only what is no number is a spike."""

    most: Annotated[int, pydantic.Field(ge=1)] = 10
    """So many such steps one after the other end the training."""


@section
class TrainingConfig:
    """How the model learns."""

    model: str = "gpt"
    """The network: `gpt`, or one of your own as `package.module:function` (docs/your-own-model.md)."""

    gpt: GptConfig = dataclasses.field(default_factory=GptConfig)

    weights: str | None = None
    """A file of weights to start from, as Keras's `save_weights` writes them (`.weights.h5`)."""

    steps: Annotated[int, pydantic.Field(ge=1)] = 600
    """Updates of the weights."""

    batch_size: Annotated[int, pydantic.Field(ge=1)] = 8
    """Samples (rows, where they are packed) that all devices together take at once; a multiple of the devices."""

    accumulate_steps: Annotated[int, pydantic.Field(ge=1)] = 1
    """Batches whose gradients are summed before the weights are updated: as one batch so many times as large."""

    batching: Literal["bucketed", "packed"] = "bucketed"
    """`bucketed`: a row is a sample, and samples of like length share a batch. `packed`: a row is filled with as many
    samples as it takes, none of which sees another."""

    packed_length: Annotated[int, pydantic.Field(ge=16, le=65_536)] | None = None
    """Positions in a packed row, those of images included; left out: three times what the longest sample takes."""

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

    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """What the network computes in. Weights are kept in float32, and so is the loss."""

    recompute: bool = False
    """Compute the activations of each block anew for its gradient instead of keeping them: less memory, more time."""

    xla: bool | None = None
    """Compile the gradient by XLA; left out: where it was measured to be faster (docs/decisions/012-training.md)."""

    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """`none`: one device. `mirrored`: each of `devices` holds the weights and takes its share of the batch.
    `multi_worker`: so does each of `workers`, processes that TF_CONFIG names; without it they are started here."""

    devices: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """For `mirrored`: GPUs, or where there are none, logical CPU devices."""

    workers: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """For `multi_worker`: local processes; where TF_CONFIG is set, it says how many there are."""

    communication: Literal["auto", "ring", "nccl"] = "auto"
    """How workers sum gradients; `auto`: by NCCL between GPUs, else in a ring."""

    hang_timeout_s: Annotated[float, pydantic.Field(gt=0.0)] = 300.0
    """A step that takes longer, with several workers, means that one of them hangs: the others end, to be restarted."""

    restarts: Annotated[int, pydantic.Field(ge=0)] = 3
    """How often local workers are started again after one was lost, from the last checkpoint."""

    spikes: SpikesConfig = dataclasses.field(default_factory=SpikesConfig)

    evaluate_every_steps: Annotated[int, pydantic.Field(ge=1)] = 100
    """How often the curve gets a point on held-out samples."""

    curve_samples: Annotated[int, pydantic.Field(ge=1)] = 128
    """Held-out samples of the split `eval` that a point of the curve is measured on; the end is measured on all."""

    written_samples: Annotated[int, pydantic.Field(ge=0, le=16)] = 2
    """Held-out texts whose beginning the model continues at each point of the curve, for TensorBoard."""

    checkpoint_every_steps: Annotated[int, pydantic.Field(ge=1)] = 100
    """How often the state is saved, so that an interrupted training goes on from there."""

    checkpoint_every_minutes: Annotated[float, pydantic.Field(gt=0.0)] | None = None
    """Save it also when so much time went by since the last save."""

    keep_checkpoints: Annotated[int, pydantic.Field(ge=2)] = 5
    """How many of them to keep. More than one, so that a damaged one can be passed over."""

    keep_checkpoint_every_hours: Annotated[float, pydantic.Field(gt=0.0)] | None = 6.0
    """Keep one of so many hours for good."""

    @pydantic.field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if model != "gpt" and not _BUILDER.fullmatch(model):
            raise ValueError(f"{model!r} is neither gpt nor of the form package.module:function")
        return model

    @pydantic.model_validator(mode="after")
    def _devices_fit(self) -> TrainingConfig:
        if self.strategy != "mirrored" and self.devices != 1:
            raise ValueError(f"devices must be 1 where strategy is {self.strategy}; for more, set strategy to mirrored")
        if self.strategy != "multi_worker" and self.workers != 1:
            raise ValueError(f"workers must be 1 where strategy is {self.strategy}; for more, set it to multi_worker")
        replicas = self.devices * self.workers
        if self.batch_size % replicas:
            name = "workers" if self.strategy == "multi_worker" else "devices"
            raise ValueError(f"{name} must divide batch_size: {self.batch_size} is no multiple of {replicas}")
        return self


_LAYOUT = (
    *("strategy", "devices", "workers", "communication", "hang_timeout_s", "restarts", "recompute", "xla"),
    *("checkpoint_every_minutes", "keep_checkpoints", "keep_checkpoint_every_hours", "written_samples"),
)


def of_result(config: TrainingConfig) -> dict[str, Any]:
    """What the result depends on: all but how the work is spread, watched and saved, which may change on the way."""
    return {name: value for name, value in to_plain(config).items() if name not in _LAYOUT}
