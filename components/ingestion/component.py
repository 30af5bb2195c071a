"""Ingest's contract: sources in the configuration in, `Records` and `Rejected` out."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.ingestion import driver, executor
from components.ingestion.config import IngestionConfig
from lineage.fingerprint import fingerprint
from schemas import artifacts
from schemas.config import to_json


class IngestSpec(ComponentSpec):
    """Outputs and parameters of Ingest."""

    PARAMETERS = {"config": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {
        "records": ChannelParameter(type=artifacts.Records),
        "rejected": ChannelParameter(type=artifacts.Rejected),
    }


class Ingest(base_component.BaseComponent):
    """Reads every source into records; a source that has not changed is not read again.

    Outputs:
        records: `headrace.Records`, sources in the order of their names.
        rejected: `headrace.Rejected`, the files and rows that could not be taken.

    Args:
        config: the sources.
    """

    SPEC_CLASS = IngestSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = driver.Driver

    def __init__(self, *, config: IngestionConfig):
        super().__init__(
            IngestSpec(
                config=to_json(config),
                code=fingerprint("components.ingestion.executor"),
                records=channel.Channel(type=artifacts.Records),
                rejected=channel.Channel(type=artifacts.Rejected),
            )
        )
