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
from serving.config import SigningConfig


class InfraValidateSpec(ComponentSpec):
    """Inputs, outputs and parameters of InfraValidate."""

    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "samples": ChannelParameter(type=Samples),
        "reference": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}
    PARAMETERS = {
        "config": ExecutionParameter(type=str),
        "signing": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class InfraValidate(base_component.BaseComponent):
    """Checks that a model is what a trusted key signed, loads in a clean process, keeps to its budgets there, answers golden
    requests as a server must and as the float model does, and refuses what cannot be answered.

    Outputs:
        blessing: `standard_artifacts.InfraBlessing`, marked as TFX's InfraValidator marks it, with `report.json` and
            the golden requests and answers in `golden.json`.

    Args:
        model: the model that would serve, SavedModel or LiteRT.
        samples: the aligned samples; some of the split `test` are among the requests.
        config: how much to ask, how long to wait, and the budgets.
        signing: whose signature it must have.
        reference: the float model whose answers it must be near; None compares with none.
    """

    SPEC_CLASS = InfraValidateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        samples: BaseChannel,
        config: InfraValidationConfig,
        signing: SigningConfig | None = None,
        reference: BaseChannel | None = None,
    ):
        super().__init__(
            InfraValidateSpec(
                model=model,
                samples=samples,
                reference=reference,
                blessing=Channel(type=standard_artifacts.InfraBlessing),
                config=to_json(config),
                signing=to_json(signing or SigningConfig()),
                code=fingerprint("components.infra_validation.executor") + fingerprint(executor.PROCESS),
            )
        )
