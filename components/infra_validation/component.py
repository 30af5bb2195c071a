"""The contract of the node InfraValidate."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.infra_validation import executor
from components.infra_validation.config import InfraValidationConfig
from lineage.fingerprint import fingerprint
from schemas.artifacts import Samples
from schemas.config import to_json


class InfraValidateSpec(ComponentSpec):
    """Inputs, outputs and parameters of InfraValidate."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "samples": ChannelParameter(type=Samples),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}
    PARAMETERS = {"config": ExecutionParameter(type=str), "code": ExecutionParameter(type=str)}


class InfraValidate(base_component.BaseComponent):
    """Checks that a model loads in a clean process and answers golden requests as a server must.

    Outputs:
        blessing: `standard_artifacts.InfraBlessing`, marked as TFX's InfraValidator marks it, with `report.json` and
            the golden requests and answers in `golden.json`.

    Args:
        model: the model that would serve, SavedModel or LiteRT.
        samples: the aligned samples; some of the split `test` are among the requests.
        config: how much to ask and how long to wait.
    """

    SPEC_CLASS = InfraValidateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, model: BaseChannel, samples: BaseChannel, config: InfraValidationConfig):
        super().__init__(
            InfraValidateSpec(
                model=model,
                samples=samples,
                blessing=Channel(type=standard_artifacts.InfraBlessing),
                config=to_json(config),
                code=fingerprint("components.infra_validation.executor") + fingerprint(executor.PROCESS),
            )
        )
