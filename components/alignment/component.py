"""Align's contract: `Records` in, `Samples` and an `AlignmentReport` out."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.alignment import executor
from components.alignment.config import AlignmentConfig
from lineage.fingerprint import fingerprint
from schemas import artifacts
from schemas.config import to_json


class AlignSpec(ComponentSpec):
    """Inputs, outputs and parameters of Align."""

    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {
        "records": ChannelParameter(type=artifacts.Records),
        "encoder": ChannelParameter(type=artifacts.DualEncoder, optional=True, allow_empty=True),
    }
    OUTPUTS = {
        "samples": ChannelParameter(type=artifacts.Samples),
        "report": ChannelParameter(type=artifacts.AlignmentReport),
    }


class Align(base_component.BaseComponent):
    """Joins records into samples and gives each cluster of alike samples one split.

    Outputs:
        samples: `headrace.Samples`, sorted by id.
        report: `headrace.AlignmentReport`, `components.alignment.report.AlignmentReport` in `report.json`.

    Args:
        records: cleaned records.
        encoder: of images and texts, for data sets whose images have no common key with texts; None if it is not used.
        config: how to join and split.
        seed: of the hash that splits.
    """

    SPEC_CLASS = AlignSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        records: channel.BaseChannel,
        config: AlignmentConfig,
        seed: int,
        encoder: channel.BaseChannel | None = None,
    ):
        super().__init__(
            AlignSpec(
                records=records,
                encoder=encoder,
                config=to_json(config),
                seed=seed,
                code=fingerprint("components.alignment.executor"),
                samples=channel.Channel(type=artifacts.Samples),
                report=channel.Channel(type=artifacts.AlignmentReport),
            )
        )
