"""The contract of the node TrainDualEncoder."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.dual_encoder import executor
from components.dual_encoder.config import DualEncoderConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import DualEncoder, Samples
from schemas.config import to_json


class TrainDualEncoderSpec(ComponentSpec):
    """Inputs, outputs and parameters of TrainDualEncoder."""

    INPUTS = {"samples": ChannelParameter(type=Samples)}
    OUTPUTS = {"encoder": ChannelParameter(type=DualEncoder)}
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "code": ExecutionParameter(type=str),
    }


class TrainDualEncoder(base_component.BaseComponent):
    """Trains two small networks that tell which text an image belongs to, in a process of its own.

    Outputs:
        encoder: `headrace.DualEncoder`, `components.dual_encoder.encoder.load` reads it. Its properties say how many
            `pairs` it learnt from, and its `recall_at_10` on the split eval beside `chance`.

    Args:
        samples: aligned samples. Those of the split train with a text and an image are learnt from, those of the
            split eval only measured on.
        config: how to train.
        seed: all randomness comes from it.
    """

    SPEC_CLASS = TrainDualEncoderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, samples: BaseChannel, config: DualEncoderConfig, seed: int):
        super().__init__(
            TrainDualEncoderSpec(
                samples=samples,
                encoder=Channel(type=DualEncoder),
                config=to_json(config),
                seed=seed,
                code=fingerprint("components.dual_encoder.executor") + fingerprint(executor.PROCESS),
            )
        )
