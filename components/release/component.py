"""The contract of the node Release."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.release import executor
from components.release.config import ReleaseConfig
from lineage.fingerprint import fingerprint
from schemas.config import to_json
from serving.config import SigningConfig


class CanaryPusherSpec(ComponentSpec):
    """Inputs, outputs and parameters of Release; a superset of TFX's `PusherSpec` but for the destination."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing),
        "live": ChannelParameter(type=standard_artifacts.PushedModel, optional=True),
    }
    OUTPUTS = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "signing": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class CanaryPusher(base_component.BaseComponent):
    """Releases a blessed model as a new immutable version; leaves any other where it is and says why.

    Outputs:
        pushed_model: `standard_artifacts.PushedModel`, marked as TFX's Pusher marks it, with `report.json`.

    Args:
        model: the model that would serve.
        model_blessing: Evaluate's word on it.
        infra_blessing: InfraValidate's word on it.
        config: what it is called.
        signing: whose signature it must have.
        live: the push that is live; may hold none. A model that was live, was replaced and comes back is pushed again,
            since what it replaces differs.
    """

    SPEC_CLASS = CanaryPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        model_blessing: BaseChannel,
        infra_blessing: BaseChannel,
        config: ReleaseConfig,
        live: BaseChannel | None = None,
        signing: SigningConfig | None = None,
    ):
        super().__init__(
            CanaryPusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                live=live,
                pushed_model=Channel(type=standard_artifacts.PushedModel),
                config=to_json(config),
                signing=to_json(signing or SigningConfig()),
                code=fingerprint("components.release.executor"),
            )
        )
