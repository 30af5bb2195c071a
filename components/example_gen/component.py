"""ExampleGen's contract: `Samples` in, TFX `Examples` out, one TFRecord a shard and split."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.example_gen import executor
from lineage.fingerprint import fingerprint
from schemas.artifacts import Samples


class ExampleGenSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of ExampleGen."""

    PARAMETERS = {"code": component_spec.ExecutionParameter(type=str)}
    INPUTS = {"samples": component_spec.ChannelParameter(type=Samples)}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class ExampleGen(base_beam_component.BaseBeamComponent):
    """Writes aligned samples as `tf.train.Example`s with the splits train, eval and test."""

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, *, samples: channel.BaseChannel):
        super().__init__(
            ExampleGenSpec(
                samples=samples,
                code=fingerprint("components.example_gen.executor"),
                examples=channel.Channel(type=standard_artifacts.Examples),
            )
        )
