"""Clean's contract: `Records` in, standard `Records`, `Rejected`, an index and a `CleaningReport` out."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.cleaning import executor, outside
from components.cleaning.config import CleaningConfig
from lineage.fingerprint import fingerprint
from schemas import artifacts
from schemas.config import to_json


class CleanSpec(ComponentSpec):
    """Inputs, outputs and parameters of Clean."""

    PARAMETERS = {"config": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}
    INPUTS = {
        "records": ChannelParameter(type=artifacts.Records),
        "earlier": ChannelParameter(type=artifacts.NearDuplicateIndex, optional=True, allow_empty=True),
    }
    OUTPUTS = {
        "cleaned": ChannelParameter(type=artifacts.Records),
        "rejected": ChannelParameter(type=artifacts.Rejected),
        "index": ChannelParameter(type=artifacts.NearDuplicateIndex),
        "report": ChannelParameter(type=artifacts.CleaningReport),
    }


class Clean(base_beam_component.BaseBeamComponent):
    """Brings records into a standard form; rejects what is broken, noise, contaminated or there twice.

    Outputs:
        cleaned: `headrace.Records`, sorted by content.
        rejected: `headrace.Rejected`; with `cleaned` it accounts for every record that came.
        index: `headrace.NearDuplicateIndex`, rows only where `near_duplicates.incremental` is on.
        report: `headrace.CleaningReport`, `components.cleaning.report.CleaningReport` in `report.json`.

    Args:
        records: what was ingested.
        earlier: the index of an earlier cleaning, whose records are compared with and stay.
        config: the rules' limits.
    """

    SPEC_CLASS = CleanSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self, *, records: channel.BaseChannel, config: CleaningConfig, earlier: channel.BaseChannel | None = None
    ):
        super().__init__(
            CleanSpec(
                records=records,
                earlier=earlier,
                config=to_json(config),
                code=f"{fingerprint('components.cleaning.executor')} {outside.digest(config)}".strip(),
                cleaned=channel.Channel(type=artifacts.Records),
                rejected=channel.Channel(type=artifacts.Rejected),
                index=channel.Channel(type=artifacts.NearDuplicateIndex),
                report=channel.Channel(type=artifacts.CleaningReport),
            )
        )
