"""The contract of the node Compress."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.compression import executor
from components.compression.config import CompressionConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import CompressionReport, Samples
from schemas.config import to_json
from serving.config import SigningConfig


class CompressSpec(ComponentSpec):
    """Inputs, outputs and parameters of Compress."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "reference": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "samples": ChannelParameter(type=Samples),
    }
    OUTPUTS = {
        "compressed_model": ChannelParameter(type=standard_artifacts.Model),
        "report": ChannelParameter(type=CompressionReport),
    }
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "signing": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class Compress(base_component.BaseComponent):
    """Makes a small LiteRT model of a SavedModel and measures both.

    Outputs:
        compressed_model: `standard_artifacts.Model`, a LiteRT model with its tokeniser, signed.
        report: `CompressionReport`, size, latency and loss beside the float model.

    Args:
        model: the exported SavedModel.
        samples: the aligned samples; the split `eval` is what the loss is measured on.
        config: how to compress and measure.
        reference: the SavedModel that variants are measured against, where `model` was changed already (FineTune); `model`
            itself if None.
        signing: whose signature the SavedModel must have, and which key signs the LiteRT model.
    """

    SPEC_CLASS = CompressSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        samples: BaseChannel,
        config: CompressionConfig,
        reference: BaseChannel | None = None,
        signing: SigningConfig | None = None,
    ):
        super().__init__(
            CompressSpec(
                model=model,
                reference=reference,
                samples=samples,
                compressed_model=Channel(type=standard_artifacts.Model),
                report=Channel(type=CompressionReport),
                config=to_json(config),
                signing=to_json(signing or SigningConfig()),
                code=fingerprint("components.compression.executor") + fingerprint(executor.PROCESS),
            )
        )
